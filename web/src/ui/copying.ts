// Copying text, also where the page is not served as a secure one.

/** The clipboard of secure pages; on plain http a selection, which every browser still copies. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const holder = document.createElement("textarea");
    holder.value = text;
    holder.setAttribute("aria-hidden", "true");
    const before = deepFocus();
    document.body.append(holder);
    holder.select();
    document.execCommand("copy");
    holder.remove();
    before?.focus({ preventScroll: true });
  }
}

function deepFocus(): HTMLElement | null {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused instanceof HTMLElement ? focused : null;
}
