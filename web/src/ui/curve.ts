// A call's frustration from its start to now: where the bands begin, holds and talk-over, and what drove it up.

import { css, html, LitElement, nothing, svg } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { curve, type Rise, rises } from "../course";
import type { Course } from "../protocol";
import { BAND_WORD, clockWords } from "../words";
import { quoteButton, Seek } from "./quotes";
import { base } from "./styles";

const HEIGHT = 116;
const EDGE = { left: 8, right: 70, top: 8, bottom: 18 };
/** A call of a few seconds is not drawn as if it were a whole one. */
const SHORTEST_MS = 60_000;

@customElement("rtig-curve")
export class CurveView extends LitElement {
  @property({ attribute: false }) course!: Course;
  /** The call's clock. */
  @property({ attribute: false }) clock = 0;
  @state() private wide = 360;
  /** The rise that is spoken of below, by its time. */
  @state() private chosen = -1;
  #resized = new ResizeObserver(([entry]) => {
    if (entry) this.wide = Math.max(160, Math.round(entry.contentRect.width));
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
  }

  override render() {
    const { course } = this;
    const until = Math.max(SHORTEST_MS, this.clock, course.steps.at(-1)?.at_ms ?? 0);
    const [inner, high] = [this.wide - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
    const x = (at: number) => Math.round((EDGE.left + (inner * at) / until) * 10) / 10;
    const y = (score: number) => Math.round((EDGE.top + high * (1 - score)) * 10) / 10;
    const points = curve(course, Math.max(this.clock, course.steps.at(-1)?.at_ms ?? 0));
    const line = points.map((point) => `${x(point.at)},${y(point.score)}`).join(" ");
    const found = rises(course);
    const chosen = found.find(({ step }) => step.at_ms === this.chosen);
    const tabbed = chosen ?? found.at(-1);
    const bands = [
      ["critical", course.critical, 1],
      ["frustrated", course.frustrated, course.critical],
      ["tense", course.tense, course.frustrated],
    ] as const;
    return html`<section aria-labelledby="heading" data-testid="curve">
      <h3 id="heading">Frustration since the call began</h3>
      <svg
        viewBox="0 0 ${this.wide} ${HEIGHT}"
        role="group"
        aria-label="What drove it up; the arrow keys go from one to the next"
        @keydown=${(event: KeyboardEvent) => this.#key(event, found, tabbed)}
      >
        ${bands.map(
          ([band, from, to]) => svg`<g class=${band} aria-hidden="true">
            <rect class="zone" x=${EDGE.left} y=${y(to)} width=${inner} height=${y(from) - y(to)} />
            <path class="threshold" d="M${EDGE.left} ${y(from)}h${inner}" />
            <text x=${EDGE.left + inner + 5} y=${y(from) + 4}>${BAND_WORD[band]}</text>
          </g>`,
        )}
        ${course.holds.map(
          ({ start_ms, end_ms }) => svg`<g class="hold" data-testid="curve-hold">
            <title>On hold, ${clockWords(start_ms)} to ${clockWords(end_ms)}</title>
            <rect x=${x(start_ms)} y=${EDGE.top} width=${Math.max(2, x(end_ms) - x(start_ms))} height=${high} />
            ${x(end_ms) - x(start_ms) > 28 ? svg`<text x=${x(start_ms) + 3} y=${EDGE.top + 11} aria-hidden="true">hold</text>` : nothing}
          </g>`,
        )}
        ${course.talk_over.map(
          (at) => svg`<path class="over" data-testid="curve-over" d="M${x(at) - 4} ${HEIGHT - EDGE.bottom + 8}h8l-4 -7z">
            <title>The agent spoke over the customer, ${clockWords(at)}</title>
          </path>`,
        )}
        <path class="ground" aria-hidden="true" d="M${EDGE.left} ${y(0)}h${inner}" />
        <polyline class="line" aria-hidden="true" points=${line} />
        <g class="times" aria-hidden="true">
          <text x=${EDGE.left} y=${HEIGHT - 4}>0:00</text>
          <text x=${EDGE.left + inner} y=${HEIGHT - 4} text-anchor="end">${clockWords(until)}</text>
        </g>
        ${found.map(
          (rise) => svg`<g
            class="rise ${rise.step.band} ${rise === chosen ? "chosen" : ""}"
            role="button"
            tabindex=${rise === tabbed ? 0 : -1}
            data-testid="curve-rise"
            data-at=${rise.step.at_ms}
            aria-label=${riseWords(rise)}
            @focus=${() => (this.chosen = rise.step.at_ms)}
            @pointerenter=${() => (this.chosen = rise.step.at_ms)}
            @click=${() => this.#seek(rise)}
          >
            <circle class="reach" cx=${x(rise.step.at_ms)} cy=${y(rise.step.score)} r="12" />
            <circle class="dot" cx=${x(rise.step.at_ms)} cy=${y(rise.step.score)} r="4.5" />
          </g>`,
        )}
      </svg>
      <p class="small said" data-testid="curve-said">
        ${
          chosen
            ? html`<span class="numbers">${clockWords(chosen.step.at_ms)}</span> ${sentence(chosen.step.what)},
                <span class="numbers">${percent(chosen.from)} → ${percent(chosen.step.score)}</span>
                ${chosen.step.words.slice(0, 2).map((quote) => html` ${quoteButton(quote)}`)}`
            : html`<span class="muted">${found.length ? "Each point says what drove it up." : "Nothing has driven it up so far."}</span>`
        }
        ${course.talk_over.length ? html`<span class="muted"> ▲ the agent spoke over the customer.</span>` : nothing}
      </p>
    </section>`;
  }

  #key(event: KeyboardEvent, found: Rise[], at: Rise | undefined): void {
    const place = at ? found.indexOf(at) : -1;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (at) this.#seek(at);
      return;
    }
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: found.length - 1 }[event.key];
    const wanted = to === undefined ? undefined : found[to];
    if (to !== undefined) event.preventDefault();
    if (!wanted) return;
    this.renderRoot.querySelector<SVGElement>(`[data-at="${wanted.step.at_ms}"]`)?.focus();
  }

  #seek({ step }: Rise): void {
    if (step.words.length) this.dispatchEvent(new Seek(...step.words));
  }

  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-inline-size: 0;
      }

      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 4px;
      }

      h3 {
        color: var(--muted);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      svg {
        display: block;
        inline-size: 100%;
        block-size: 116px;
        border-radius: 8px;
        background: var(--surface);
        overflow: visible;
      }

      text {
        fill: var(--muted);
        font-size: 0.6875rem;
      }

      .zone {
        fill: var(--mood-soft);
      }

      .threshold {
        stroke: var(--mood);
        stroke-width: 1;
        stroke-dasharray: 3 3;
        opacity: 0.6;
      }

      g > text {
        fill: var(--mood, var(--muted));
      }

      .ground {
        stroke: var(--edge);
      }

      .hold rect {
        fill: var(--edge);
        opacity: 0.28;
      }

      .hold text {
        fill: var(--ink);
      }

      .over {
        fill: var(--ink);
      }

      .line {
        fill: none;
        stroke: var(--ink);
        stroke-width: 1.75;
        stroke-linejoin: round;
      }

      .rise {
        outline: none;
        cursor: pointer;
      }

      .reach {
        fill: transparent;
      }

      .dot {
        fill: var(--mood, var(--calm));
        stroke: var(--surface);
        stroke-width: 1.5;
      }

      .rise.chosen .dot {
        stroke: var(--ink);
      }

      .rise:focus-visible .reach {
        stroke: var(--accent);
        stroke-width: 2;
      }

      /* Two lines at least: what it says must not move what stands below. */
      .said {
        min-block-size: 2.9em;
      }

      @media (forced-colors: active) {
        .zone,
        .hold rect {
          fill: none;
          stroke: GrayText;
        }

        .threshold,
        .ground,
        .line {
          stroke: CanvasText;
          opacity: 1;
        }

        text,
        .over {
          fill: CanvasText;
        }

        .dot {
          fill: Highlight;
          stroke: Canvas;
        }

        .rise:focus-visible .reach {
          stroke: Highlight;
        }
      }
    `,
  ];
}

function percent(score: number): number {
  return Math.round(score * 100);
}

function riseWords({ step, from }: Rise): string {
  const words = step.words.slice(0, 2).map((quote) => `“${quote.text.trim()}”`);
  const moved = `from ${percent(from)} to ${percent(step.score)}`;
  return [`${clockWords(step.at_ms)}, ${step.what}, ${moved}`, ...words].join(", ");
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
