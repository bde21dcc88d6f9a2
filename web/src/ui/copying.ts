// Copying text, also where the page is not served as a secure one.

/** The clipboard of secure pages; on plain http a selection, which every browser still copies. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const holder = document.createElement("textarea");
    holder.value = text;
    holder.setAttribute("aria-hidden", "true");
    // Out of the flow, so that it moves nothing on whose page ever this is.
    holder.style.position = "fixed";
    const before = deepFocus(document);
    document.body.append(holder);
    holder.select();
    document.execCommand("copy");
    holder.remove();
    before?.focus({ preventScroll: true });
  }
}

/** What has the focus, inside whatever shadows. */
export function deepFocus(root: DocumentOrShadowRoot | null): HTMLElement | null {
  let focused = root?.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused instanceof HTMLElement ? focused : null;
}
