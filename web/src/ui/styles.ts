// The look that both pages share: colours for both schemes, controls, and what only a screen reader sees.

import { css } from "lit";

/** For the two page elements; everything inside them inherits. All text pairs reach 4.5:1, controls 3:1. */
export const tokens = css`
  :host {
    --ground: #f5f6f8;
    --surface: #fff;
    --ink: #1a232d;
    --muted: #566270;
    --line: #dfe3e8;
    --edge: #7f8b98;
    --accent: #1f5fa8;
    --accent-soft: #e9f1fa;
    --on-accent: #fff;
    --calm: #3c6658;
    --calm-soft: #eaf2ee;
    --tense: #755600;
    --tense-soft: #fbf3db;
    --frustrated: #954000;
    --frustrated-soft: #fdecdf;
    --critical: #a1142a;
    --critical-soft: #fde7e9;
    --mark: #fdf0b8;
    --mark-line: #a98100;
    --sought: #ffd84d;
    --shadow: 0 1px 2px rgb(20 30 45 / 8%), 0 3px 12px rgb(20 30 45 / 5%);
    --radius: 10px;
    color-scheme: light dark;
    color: var(--ink);
    background: var(--ground);
    font:
      400 0.9375rem/1.45 system-ui,
      -apple-system,
      "Segoe UI",
      Roboto,
      "Noto Sans",
      sans-serif;
    -webkit-text-size-adjust: 100%;
  }

  @media (prefers-color-scheme: dark) {
    :host {
      --ground: #12161b;
      --surface: #1b2128;
      --ink: #e4e9ee;
      --muted: #9ba8b5;
      --line: #2c343d;
      --edge: #6d7986;
      --accent: #8bb8ee;
      --accent-soft: #1d2c3e;
      --on-accent: #10161d;
      --calm: #9cc7b7;
      --calm-soft: #1b2925;
      --tense: #e6c466;
      --tense-soft: #2f2813;
      --frustrated: #f4a76f;
      --frustrated-soft: #362416;
      --critical: #ff9ba6;
      --critical-soft: #3d181e;
      --mark: #43390f;
      --mark-line: #c9a227;
      --sought: #7a6410;
      --shadow: 0 1px 2px rgb(0 0 0 / 40%);
    }
  }
`;

export const base = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  h1,
  h2,
  h3,
  p,
  ul,
  ol {
    margin: 0;
  }

  ul,
  ol {
    padding: 0;
    list-style: none;
  }

  h2 {
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--muted);
  }

  button,
  input,
  textarea {
    font: inherit;
    color: inherit;
  }

  button {
    min-block-size: 32px;
    padding: 4px 11px;
    border: 1px solid var(--line);
    border-radius: 7px;
    background: var(--surface);
    color: var(--ink);
    font-size: 0.875rem;
    cursor: pointer;
    transition: background-color 120ms;
  }

  button:hover {
    background: var(--accent-soft);
    border-color: var(--edge);
  }

  button[aria-pressed="true"] {
    background: var(--accent-soft);
    border-color: var(--accent);
    color: var(--accent);
  }

  button:disabled {
    color: var(--muted);
    cursor: default;
  }

  button.main {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }

  button.main:hover:not(:disabled) {
    filter: brightness(1.08);
  }

  button.main:disabled {
    background: var(--line);
    border-color: var(--line);
    color: var(--muted);
  }

  button.bare {
    border-color: transparent;
    background: none;
    color: var(--muted);
  }

  button.bare:hover {
    background: var(--accent-soft);
    color: var(--ink);
  }

  /* Words somebody said, which lead to where they were said. */
  button.quote {
    display: inline;
    min-block-size: 0;
    padding: 0;
    border: 0;
    border-radius: 3px;
    background: none;
    color: var(--accent);
    font-size: inherit;
    text-align: start;
    text-decoration: underline;
    text-decoration-thickness: 1px;
    text-underline-offset: 3px;
    overflow-wrap: anywhere;
  }

  button.quote:hover {
    text-decoration-thickness: 2px;
  }

  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }

  summary {
    padding-block: 3px;
    border-radius: 4px;
    cursor: pointer;
  }

  svg.shape {
    flex: none;
    inline-size: 1em;
    block-size: 1em;
    vertical-align: -0.12em;
    fill: currentColor;
  }

  .calm {
    --mood: var(--calm);
    --mood-soft: var(--calm-soft);
  }

  .tense {
    --mood: var(--tense);
    --mood-soft: var(--tense-soft);
  }

  .frustrated {
    --mood: var(--frustrated);
    --mood-soft: var(--frustrated-soft);
  }

  .critical {
    --mood: var(--critical);
    --mood-soft: var(--critical-soft);
  }

  .muted {
    color: var(--muted);
  }

  .small {
    font-size: 0.8125rem;
  }

  .clip {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .numbers {
    font-variant-numeric: tabular-nums;
  }

  /* For screen readers only. */
  .unseen {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  @media (forced-colors: active) {
    button:is([aria-pressed="true"], [aria-current="true"]) {
      forced-color-adjust: none;
      border-color: Highlight !important;
      background: Highlight !important;
      color: HighlightText !important;
    }

    button:is([aria-pressed="true"], [aria-current="true"]) * {
      color: inherit !important;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
`;
