// Lit's decorators for the two modules, of which a page may load both: the second takes over what the first defined.

export { property } from "lit/decorators/property.js";
export { query } from "lit/decorators/query.js";
export { state } from "lit/decorators/state.js";

export function customElement(name: string) {
  return (element: CustomElementConstructor): void => {
    if (!customElements.get(name)) customElements.define(name, element);
  };
}
