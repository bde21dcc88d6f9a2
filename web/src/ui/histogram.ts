// A histogram of times on a logarithmic axis: what was just now as bars, what was since the start as a line behind.

import { css, svg, type TemplateResult, html } from "lit";
import type { Spread } from "../protocol";
import { timeWords } from "../health";

/** As rtig/wire/latency.py: the first bar ends at 10 µs, and each decade has eight. */
const FIRST_US = 10;
const PER_DECADE = 8;
const HEIGHT = 40;
/** 1, 10, 100 ms and 1 s: the marks that an eye looks for. */
const MARKS = [100, 1_000, 10_000, 100_000, 1_000_000];

/** Where a time lies on the axis, in bars. */
export function place(us: number): number {
  return Math.max(0, 1 + PER_DECADE * Math.log10(us / FIRST_US));
}

/** Each bar as a share of the highest one. */
export function shares(bars: readonly number[]): number[] {
  const highest = Math.max(1, ...bars);
  return bars.map((count) => count / highest);
}

export function histogram(chosen: Spread, behind: Spread): TemplateResult {
  const width = chosen.bars.length;
  const high = (share: number) => (share ? Math.max(1.5, share * (HEIGHT - 2)) : 0);
  const outline = shares(behind.bars)
    .map((share, at) => `V${(HEIGHT - high(share)).toFixed(1)}H${at + 1}`)
    .join("");
  return html`<svg class="spread" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    ${MARKS.map((us) => svg`<path class="mark" d="M${place(us).toFixed(2)} 0V${HEIGHT}"/>`)}
    <path class="behind" d="M0 ${HEIGHT}${outline}V${HEIGHT}z" />
    ${shares(chosen.bars).map((share, at) =>
      share
        ? svg`<rect x=${at + 0.08} y=${(HEIGHT - high(share)).toFixed(1)} width="0.84" height=${high(share).toFixed(1)}/>`
        : "",
    )}
    ${chosen.count ? svg`<path class="p99" d="M${place(chosen.p99_us).toFixed(2)} 0V${HEIGHT}"/>` : ""}
  </svg>`;
}

/** The times of the marks, `width` being about the pixels that there are. */
export function axis(bars: number, width: number): TemplateResult {
  return html`<svg class="axis" viewBox="0 0 ${width} 14" aria-hidden="true">
    ${MARKS.map(
      (us) => svg`<text x=${((place(us) / bars) * width).toFixed(1)} y="11" text-anchor="middle">${timeWords(us)}</text>`,
    )}
  </svg>`;
}

export const histogramStyles = css`
  .spread {
    display: block;
    inline-size: 100%;
    block-size: 44px;
    border-block-end: 1px solid var(--edge);
  }

  .spread rect {
    fill: var(--accent);
  }

  .spread path {
    fill: none;
    vector-effect: non-scaling-stroke;
  }

  .spread .mark {
    stroke: var(--line);
  }

  .spread path.behind {
    fill: var(--line);
  }

  .spread .p99 {
    stroke: var(--critical);
    stroke-width: 1.5;
    stroke-dasharray: 3 2;
  }

  .axis {
    display: block;
    inline-size: 100%;
    fill: var(--muted);
    font-size: 10px;
  }

  @media (forced-colors: active) {
    .spread rect {
      fill: CanvasText;
    }

    .spread path.behind {
      fill: GrayText;
    }

    .axis {
      fill: CanvasText;
    }
  }
`;
