// Small drawings. A band of mood is told by its shape as well as by its colour and its word.

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { Alert } from "../protocol";
import type { Band } from "../words";

const BAND_SHAPE: Record<Band, SVGTemplateResult> = {
  calm: svg`<circle cx="8" cy="8" r="5.5"/>`,
  tense: svg`<path d="M8 1.2 14.8 8 8 14.8 1.2 8z"/>`,
  frustrated: svg`<path d="M8 1.5 15.3 14.5H.7z"/>`,
  critical: svg`<path fill-rule="evenodd" d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5zM7 3.8v5.4h2V3.8zm0 6.6v2h2v-2z"/>`,
};

export function bandShape(band: Band): TemplateResult {
  return html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${BAND_SHAPE[band]}</svg>`;
}

export function tick(done: boolean): TemplateResult {
  const ring = svg`<circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5"/>`;
  const hook = svg`<path fill-rule="evenodd" d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm3.9 4.9-1.2-1.1-3.5 4L5.2 7 4.1 8.1l3.2 3z"/>`;
  return html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${done ? hook : ring}</svg>`;
}

const ALERT_SHAPE: Record<Alert["state"], SVGTemplateResult> = {
  open: svg`<path d="M8 1.2c.7 0 1.2.5 1.2 1.1 2 .5 3.3 2.3 3.3 4.5 0 3 .7 4 1.7 5.2H1.8c1-1.2 1.7-2.2 1.7-5.2 0-2.2 1.3-4 3.3-4.5 0-.6.5-1.1 1.2-1.1zM6.2 13h3.6a1.8 1.8 0 0 1-3.6 0z"/>`,
  acknowledged: svg`<path d="M8 1.5a3.1 3.1 0 1 1 0 6.2 3.1 3.1 0 0 1 0-6.2zM1.8 14.5c0-3.3 2.7-5.6 6.2-5.6s6.2 2.3 6.2 5.6z"/>`,
  resolved: svg`<path d="M6.3 13.2 1.4 8.3l1.7-1.7 3.2 3.2 6.6-6.6 1.7 1.7z"/>`,
};

/** A bell, a person, a tick: the state of an alert. */
export function alertShape(state: Alert["state"]): TemplateResult {
  return html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${ALERT_SHAPE[state]}</svg>`;
}

/** A score from 0 to 1 as a bar; attributes rather than styles, which the content policy forbids. */
export function bar(score: number): TemplateResult {
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="rail" width="100" height="6" />
    <rect class="fill" width=${(clamp(score) * 100).toFixed(1)} height="6" />
  </svg>`;
}

const SPARK = { width: 90, height: 24, steps: 29 };

/** The score over the last minutes, newest at the right edge; a young call starts further along the base line. */
export function spark(values: readonly number[]): TemplateResult {
  const step = SPARK.width / SPARK.steps;
  const from = SPARK.width - (values.length - 1) * step;
  const points = values.map((value, i) => {
    const y = 2 + (1 - clamp(value)) * (SPARK.height - 4);
    return `${(from + i * step).toFixed(1)},${y.toFixed(1)}`;
  });
  const [x, y] = (points.at(-1) ?? "0,0").split(",");
  return html`<svg class="spark" viewBox="0 0 94 24" aria-hidden="true">
    <path class="base" d="M0 22.5h94" />
    ${points.length > 1 ? svg`<polyline points=${points.join(" ")} />` : ""}
    ${points.length ? svg`<circle cx=${x} cy=${y} r="2.2" />` : ""}
  </svg>`;
}

function clamp(score: number): number {
  return Math.min(1, Math.max(0, score));
}
