// What is left of a list's items that have gone.

/**
 * Takes the empty comments out of a list that Lit's `repeat` leaves behind, one for each item that it removes: in a list
 * that is scrolled all day they become more than everything else on the page. Those beside an element are in use.
 */
export function sweep(list: Element | null): void {
  for (let node = list?.firstChild; node; ) {
    const next: ChildNode | null = node.nextSibling;
    const used = node.previousSibling instanceof Element || next instanceof Element;
    if (node instanceof Comment && !node.data && !used) node.remove();
    node = next;
  }
}
