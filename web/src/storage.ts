// Storage that a browser may refuse (its settings, a frame of another site): what cannot be kept lasts as long as the page.

export type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export function guarded(open: () => Kept): Kept {
  const own = new Map<string, string | null>();
  const attempt = <T>(use: (storage: Kept) => T): T | null => {
    try {
      return use(open());
    } catch {
      return null;
    }
  };
  return {
    getItem: (name) => own.get(name) ?? (own.has(name) ? null : attempt((storage) => storage.getItem(name))),
    setItem: (name, value) => {
      own.set(name, value);
      attempt((storage) => storage.setItem(name, value));
    },
    removeItem: (name) => {
      own.set(name, null);
      attempt((storage) => storage.removeItem(name));
    },
  };
}

/** This tab's. */
export const session = guarded(() => sessionStorage);
/** This browser's. */
export const local = guarded(() => localStorage);
