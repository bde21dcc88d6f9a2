// As much of Chromium's extension interface as is used here.

interface StorageArea {
  get(keys: string[]): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(keys: string[]): Promise<void>;
}

declare const chrome: {
  runtime: { openOptionsPage(): Promise<void> };
  sidePanel: { setPanelBehavior(behavior: { openPanelOnActionClick: boolean }): Promise<void> };
  storage: {
    local: StorageArea;
    session: StorageArea;
    onChanged: { addListener(heed: () => void): void };
  };
};
