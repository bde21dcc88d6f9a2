// The protocol's messages, written by protocol_types.py from rtig/wire and rtig/core/guidance.py. Do not edit.

export const PROTOCOL = 1;
export const SUBPROTOCOL = "rtig.v1";
export const TICKET_PREFIX = "ticket.";

/** First, once. Who is connecting; with a ticket in the sub-protocols, `token` stays empty. */
export interface Hello {
  type: "hello";
  role: string;
  token?: string;
  protocol?: number;
  /** source: a stable name of the sending process. It owns the calls it starts and has them back on reconnecting. */
  source?: string;
  /** source: whose messages follow: `rtig`, `speechmatics`, `deepgram`, `lca`. */
  format?: string;
  /** source with a vendor's format: the call that this connection carries. */
  call_id?: string;
  /** source with a vendor's format: which channel or speaker is which party, e.g. {"0": "customer", "1": "agent"}. */
  parties?: Record<string, "agent" | "customer" | "system" | "unknown">;
  /** agent: whose calls to announce. supervisor: the name that others see beside what this one takes on or says. */
  agent?: string;
}

/** A position in a call's log. */
export interface Place {
  epoch: number;
  seq: number;
}

/** Follow a call: everything that still matters since its start, or since `after`. */
export interface Watch {
  type: "watch";
  call_id: string;
  after?: Place | null;
}

export interface Unwatch {
  type: "unwatch";
  call_id: string;
}

/** agent: what was done with a card. `answer_id` makes sending it twice harmless. */
export interface Answer {
  type: "answer";
  call_id: string;
  card_id: string;
  action: "copied" | "dismissed" | "opened" | "pinned" | "useful";
  reason?: "" | "busy" | "known" | "late" | "wrong";
  answer_id: string;
}

/**
 * agent: have a supervisor come. While that stands, one more with a `text` says what for.
 *
 * `help_id` makes sending it twice harmless.
 */
export interface AskHelp {
  type: "ask_help";
  call_id: string;
  help_id: string;
  text?: string;
}

/** agent: help is not needed any more. `help_id` is that of any `ask_help` about it. */
export interface TakeBackHelp {
  type: "take_back_help";
  call_id: string;
  help_id: string;
}

/** agent, supervisor: what whoever takes a call over has to know of it, as far as it has come. */
export interface AskBrief {
  type: "ask_brief";
  call_id: string;
}

/**
 * agent: what whoever has the customer next should know, also after the end of the call.
 *
 * It is part of the call, and of its brief. `handover_id` makes sending it twice harmless.
 */
export interface SendHandover {
  type: "send_handover";
  call_id: string;
  handover_id: string;
  text: string;
}

/** agent, supervisor: the other calls of this call's customer. `ask_brief` says what was said in one of them. */
export interface AskHistory {
  type: "ask_history";
  call_id: string;
}

/** supervisor: how the customer's frustration went in a call so far, and what the agent did with its cards. */
export interface AskCourse {
  type: "ask_course";
  call_id: string;
}

/** supervisor: the live calls of the tenant, as rows, and their alerts. */
export interface WatchBoard {
  type: "watch_board";
}

/** supervisor: take an alert on, or say that it is dealt with. `answer_id` makes sending it twice harmless. */
export interface AnswerAlert {
  type: "answer_alert";
  call_id: string;
  alert_id: string;
  action: "acknowledge" | "resolve";
  answer_id: string;
}

/** supervisor: a word to the agent of a call. */
export interface SayToAgent {
  type: "say_to_agent";
  call_id: string;
  whisper_id: string;
  text: string;
}

/** agent, supervisor: which articles are about this? `find_id` names the answer. */
export interface Find {
  type: "find";
  find_id: string;
  query: string;
  most?: number;
}

export interface Limits {
  message_bytes: number;
  messages_per_second: number;
  segments_per_call: number;
}

export interface Welcome {
  type: "welcome";
  protocol: number;
  role: "agent" | "author" | "source" | "supervisor";
  tenant: string;
  epoch: number;
  /** Version of rtig. */
  server: string;
  /** Version of the playbook that new calls are folded with. */
  playbook: string;
  /** Seconds; a peer that does not answer two pings in a row is closed. */
  ping_interval: number;
  limits: Limits;
  formats: string[];
  lane: "down" | "off" | "on" | "starting";
}

/** The event of this key is durable at `seq`. An event that had come before is acknowledged again, with its seq. */
export interface Ack {
  type: "ack";
  call_id: string;
  key: string;
  epoch: number;
  seq: number;
}

/** A message was not taken; nothing else is affected. `key` names the event where there was one. */
export interface Refused {
  type: "error";
  code: Code;
  message: string;
  retry: boolean;
  retry_after: number | null;
  call_id: string;
  key: string;
}

export interface CallSummary {
  call_id: string;
  agent: string;
  queue: string;
  customer: string;
  channel: string;
  started_at: number;
}

/** agent: the live calls of this agent, newest first; sent on hello and at each change. */
export interface Calls {
  type: "calls";
  calls: CallSummary[];
}

/** Microseconds from the first byte of the message to the frame's making, and where they went. */
export interface Timing {
  decode_us: number;
  append_us: number;
  fold_us: number;
  encode_us: number;
  total_us: number;
}

/** What one event of a call's log brought. `timing` is there only on live frames, not on resumed ones. */
export interface Guided {
  type: "guidance";
  call_id: string;
  epoch: number;
  seq: number;
  items: Guidance[];
  timing: Timing | null;
}

/** The position asked for is not in this log any more: forget what you hold of the call; all of it follows. */
export interface StartOver {
  type: "start_over";
  call_id: string;
  epoch: number;
}

/** The past of a watched call has been told; what follows is live. */
export interface CaughtUp {
  type: "caught_up";
  call_id: string;
  epoch: number;
  seq: number;
}

/** Where something was said: characters `start` to `end` of a segment's text. */
export interface Quote {
  segment_id: string;
  party: "agent" | "customer" | "system" | "unknown";
  start: number;
  end: number;
  text: string;
}

/** Something that was said, in the speaker's own words, at most 160 characters, and where it was said. */
export interface BriefLine {
  /** The words of `words`, with ` …` behind them where more was said; empty where `what` says it all. */
  text: string;
  at_ms: number;
  words: Quote[];
  /** What it is, in words of the knowledge base or of rtig, e.g. `tense: has been in touch before`. */
  what: string;
  /** Of a promise: by when, in the words that were said. */
  when: string;
}

/** The customer's mood now, the highest that it was, and what turned it. */
export interface BriefMood {
  score: number;
  band: "calm" | "critical" | "frustrated" | "tense";
  highest: "calm" | "critical" | "frustrated" | "tense";
  highest_ms: number;
  turns: BriefLine[];
}

/** An article that came up, what the agent did with it, and the words that called for it. */
export interface BriefArticle {
  id: string;
  title: string;
  version: string;
  /** Of `opened`, `copied`, `pinned`, `useful`, `dismissed`, in this order; none: it was shown and left. */
  did: string[];
  at_ms: number;
  words: Quote[];
}

/** What an agent left for whoever has the customer next. */
export interface Handover {
  type: "handover";
  call_id: string;
  id: string;
  text: string;
  by: string;
  /** Unix milliseconds. */
  sent_at: number;
}

/**
 * What whoever takes the call over has to know, on one screen: lines that were said, and links to where.
 *
 * Nothing in it is made up: it is chosen from the transcript, the cards, the checklists and the mood. In each part the
 * lines stand in the order in which they were said.
 */
export interface Brief {
  call_id: string;
  state: "ended" | "live";
  /** How the call ended; empty while it is live. */
  reason: "" | "abandoned" | "completed" | "transferred";
  channel: "chat" | "voice";
  agent: string;
  queue: string;
  customer: string;
  /** Unix milliseconds; 0 when the source does not know. */
  started_at: number;
  /** The call's clock when this was made. */
  at_ms: number;
  playbook: string;
  mood: BriefMood;
  /** What names the customer and the case. */
  who: BriefLine[];
  asked: BriefLine[];
  /** What was done and found, by either party, and how it went. */
  tried: BriefLine[];
  promised: BriefLine[];
  articles: BriefArticle[];
  /** What nobody has answered yet, as far as can be told. */
  open: BriefLine[];
  /** What the agent left for the next one, the last that was sent. */
  handover: Handover | null;
}

/** The brief of a call: the answer to `ask_brief`, and sent unasked to who watches a call when it ends. */
export interface Briefed {
  type: "brief";
  brief: Brief;
}

/** One call of the customer, as the agent of another sees it. No word that was said is in it. */
export interface Contact {
  call_id: string;
  state: "ended" | "live";
  /** How it ended; empty while it is live. */
  reason: "" | "abandoned" | "completed" | "transferred";
  channel: "chat" | "voice";
  agent: string;
  queue: string;
  /** Unix milliseconds. */
  started_at: number;
  lasted_ms: number;
  /** The customer's, at the end. */
  band: "calm" | "critical" | "frustrated" | "tense";
  /** What took the customer's patience last, in words; empty where it ended calm. */
  because: string;
}

/** The answer to `ask_history`: the customer's other calls on every channel, newest first, at most five. */
export interface History {
  type: "history";
  call_id: string;
  contacts: Contact[];
  /** Of the newest of them. */
  brief: Brief | null;
}

/** Something that moved the score, and where the score was then. It fades from one step to the next. */
export interface CourseStep {
  at_ms: number;
  score: number;
  band: "calm" | "critical" | "frustrated" | "tense";
  /** See `Reason`. */
  weight: number;
  what: string;
  words: Quote[];
}

export interface Stretch {
  start_ms: number;
  end_ms: number;
}

/** What the agent did with a card. */
export interface CardDeeds {
  card_id: string;
  /** Of `opened`, `copied`, `pinned`, `useful`, `dismissed`, in this order. */
  did: string[];
  /** Why it was dismissed, where the agent said so. */
  reason: "" | "busy" | "known" | "late" | "wrong";
}

/** How a call has gone so far: the customer's frustration from its start, what moved it, and what was done. */
export interface Course {
  call_id: string;
  /** The call's clock when this was made. */
  at_ms: number;
  /** In which the score halves when nothing is said. */
  half_life_ms: number;
  tense: number;
  frustrated: number;
  /** Where the bands begin. */
  critical: number;
  /** In order of time; of a very long call the last ones. */
  steps: CourseStep[];
  holds: Stretch[];
  /** When the agent began to speak over the customer. */
  talk_over: number[];
  deeds: CardDeeds[];
}

/** How a call has gone so far: the answer to `ask_course`. */
export interface CourseIs {
  type: "course";
  course: Course;
}

/** An article that was found. `score` only ranks within one answer. */
export interface FoundArticle {
  id: string;
  title: string;
  say: string;
  /** Safe HTML. */
  body: string;
  steps: string[];
  score: number;
}

/** The answer to `find`, best first. `meaning` says whether a model took part or the words alone. */
export interface Found {
  type: "found";
  find_id: string;
  articles: FoundArticle[];
  meaning: boolean;
}

/** The model lane has another state. */
export interface LaneIs {
  type: "lane";
  state: "down" | "off" | "on" | "starting";
}

/** Something in a knowledge base that is wrong or odd. `line` and `column` count from 1; 0 means the whole file. */
export interface Finding {
  severity: "error" | "warning";
  path: string;
  line: number;
  column: number;
  problem: string;
  mend: string;
}

/** The playbook in use, and what is wrong or odd in the folder as it is now. */
export interface Knowledge {
  name: string;
  version: string;
  /** Unix milliseconds. */
  loaded_at: number;
  articles: number;
  triggers: number;
  /** Of both, those that are never shown. */
  drafts: number;
  /** When the folder was last read, in Unix milliseconds. */
  checked_at: number;
  /** Why the folder as it is now is not in use; the playbook before it is. */
  errors: Finding[];
  /** What lint says of the playbook in use. */
  findings: Finding[];
  /** Lint is under way; `findings` are older. */
  linting: boolean;
  /** Whether changes of the folder are taken up. */
  follows: boolean;
  /** What a backtest tries: the draft folder against what is in use, or that against what the server started with. */
  compares: "draft" | "start";
}

/** author: the state of the knowledge base; sent on hello and at each change. */
export interface KnowledgeIs {
  type: "knowledge";
  knowledge: Knowledge;
}

/** Work on recorded calls, as far as it has come. Of each kind there is one at a time. */
export interface Job {
  kind: "backtest" | "gaps" | "outcomes";
  id: string;
  state: "cancelled" | "done" | "failed" | "running";
  done: number;
  /** Calls. */
  total: number;
  meaning: boolean;
  /** Unix milliseconds. */
  began_at: number;
  problem: string;
  /** Where the draft folder cannot be read. */
  errors: Finding[];
}

/** author: how far some work on recorded calls has come; on hello, all that there is. */
export interface JobIs {
  type: "job";
  job: Job;
}

/** One live call on the supervisors' board. */
export interface BoardRow {
  call_id: string;
  agent: string;
  queue: string;
  customer: string;
  channel: "chat" | "voice";
  /** Unix milliseconds. */
  started_at: number;
  clock_ms: number;
  score: number;
  band: "calm" | "critical" | "frustrated" | "tense";
  /** See `Mood`. */
  risk: number;
  reading: "words" | "words and model";
  /** The strongest reason in words; empty on a calm call. */
  reason: string;
  /** The score at equal steps over the last minutes, oldest first, at most 30. */
  spark: number[];
  /** For how long the mood has been frustrated or critical so far; runs on while it is. */
  red_ms: number;
  cards: number;
}

/** A word that was heard for another one that was meant; either may be two words. */
export interface Bend {
  heard: string;
  meant: string;
}

/** Why a card or an alert came: the rule, its playbook, the words, and what it was preferred to. */
export interface Why {
  rule: string;
  playbook: string;
  /** The condition in words, e.g. `said "bill ~4 doubled" by customer`. */
  condition: string;
  words: Quote[];
  /** What was made out through recognition errors. */
  bends: Bend[];
  /** How sure a model is that this was meant, from 0.5 to 1; None where the words or the call said it. */
  score: number | null;
  /** Ids of articles that were about as likely to be meant. */
  near: string[];
  /** Ids of rules whose cards had to wait or fell away because of this one. */
  beat: string[];
}

/**
 * One alert for the supervisors, whole, each time that it changes state: one a call and rule.
 *
 * `id` is the rule's, so everyone who folds the same log tells the same alert.
 */
export interface Alert {
  type: "alert";
  call_id: string;
  id: string;
  /** `agent`: it is the agent who asks for help; there is no rule. */
  source: "agent" | "rule";
  /** What the agent said when asking for help. */
  text: string;
  state: "acknowledged" | "open" | "resolved";
  title: string;
  /** The customer's band when it was raised, the last time. */
  level: "calm" | "critical" | "frustrated" | "tense";
  /** How many times it was raised in this call. */
  raised: number;
  raised_ms: number;
  /** Since when it has been in this state. */
  at_ms: number;
  why: Why;
  /** Who took it on or dealt with it; empty where nobody did, or the name is not known. */
  by: string;
  /**
   * Why it is resolved: by a person; what raised it holds no longer; the call is over; the words were others; the
   * agent needs no help any more.
   */
  reason: "" | "calmed" | "ended" | "handled" | "revised" | "withdrawn";
  /** Number of the event in the call's log that brought this state. */
  cause: number;
}

/**
 * Rows and alerts that are new or changed, and ids of calls that are over.
 *
 * `whole` replaces everything before, together with the frames behind it as long as they say that `more` follows.
 *
 * An alert replaces the one of the same call and id. A call that is gone has no alert that is not resolved.
 */
export interface Board {
  type: "board";
  rows: BoardRow[];
  gone: string[];
  alerts: Alert[];
  whole: boolean;
  more: boolean;
}

/** The server closes this connection. */
export interface Bye {
  type: "bye";
  code: Code;
  message: string;
  retry: boolean;
  retry_after: number | null;
}

/** The call itself: first when it starts, again when it ends or when its playbook changes. */
export interface CallInfo {
  type: "call";
  call_id: string;
  state: "ended" | "live";
  channel: "chat" | "voice";
  agent: string;
  queue: string;
  customer: string;
  started_at: number;
  playbook: string;
  ended_ms: number | null;
}

/** One segment as it is now known. `voided` lines are to be removed. */
export interface Line {
  type: "transcript";
  call_id: string;
  segment_id: string;
  rev: number;
  party: "agent" | "customer" | "system" | "unknown";
  text: string;
  final: boolean;
  start_ms: number;
  end_ms: number;
  voided: boolean;
}

export interface ArticleRef {
  id: string;
  version: string;
  review_by: string;
}

/**
 * One card, whole, each time that it changes state.
 *
 * `id` is derived: the rule and the how-manieth card of that rule in this call, so everyone who folds the same log
 * shows the same card, however the words were cut.
 */
export interface Card {
  type: "card";
  call_id: string;
  id: string;
  state: "confirmed" | "provisional" | "retracted";
  kind: "alert" | "article" | "checklist" | "coach";
  title: string;
  say: string;
  /** Safe HTML. */
  body: string;
  steps: string[];
  article: ArticleRef | null;
  why: Why;
  priority: number;
  /** It does not wait for others: compliance demands it. */
  exempt: boolean;
  /** When the words (or the moment) were that it answers. */
  at_ms: number;
  shown_ms: number;
  expires_ms: number;
  /** Number of the event in the call's log that brought this state. */
  cause: number;
  /** Why it was retracted: `revised`, `excluded`, `done`, `voided`, `late`, `superseded`, `unfinished`. */
  reason: string;
}

/** One piece of evidence for the customer's mood. */
export interface Reason {
  /** In words, e.g. `has been in touch before`. */
  what: string;
  /** Share of patience that it took (above 0) or gave back (below 0). */
  weight: number;
  at_ms: number;
  words: Quote[];
}

/** The customer's frustration: 0 calm to 1, its band, and the evidence, strongest first. */
export interface Mood {
  type: "mood";
  call_id: string;
  score: number;
  band: "calm" | "critical" | "frustrated" | "tense";
  at_ms: number;
  reasons: Reason[];
  /** What the score rests on: without the model lane it is the immediate reading of the words alone. */
  reading: "words" | "words and model";
  /** How likely it is that the call ends badly, 0 to 1, from all that was said and happened so far. */
  risk: number;
}

export interface Step {
  id: string;
  text: string;
  done: boolean;
  words: Quote[];
}

/** Steps that tick themselves when they are said: of a conversation, or of an article while its card stands. */
export interface Checklist {
  type: "checklist";
  call_id: string;
  /** Of a card's steps the card's `id`. */
  id: string;
  /** Whether these are the steps of the card with this `id`. */
  card: boolean;
  title: string;
  steps: Step[];
  /** The words that opened it turned out to be others: take it away. */
  withdrawn: boolean;
}

/** A card that was called for and not shown, and why: the answer to "why did it not come?". */
export interface Withheld {
  type: "withheld";
  call_id: string;
  rule: string;
  reason: "beaten" | "budget" | "channel" | "cooldown" | "done" | "draft" | "excluded" | "late" | "muted" | "once" | "queue" | "team";
  /** The rule or card that stood in its way, where one did. */
  by: string;
  at_ms: number;
  words: Quote[];
}

export interface Whisper {
  type: "whisper";
  call_id: string;
  id: string;
  text: string;
  by: string;
  at_ms: number;
}

export interface Hint {
  type: "hint";
  call_id: string;
  id: string;
  name: string;
  value: number;
  at_ms: number;
}

/**
 * What became of the agent's request for help, whole, each time that it changes: one a call.
 *
 * The supervisors have it as an alert.
 */
export interface Help {
  type: "help";
  call_id: string;
  /** Of the request that opened it. */
  id: string;
  state: "acknowledged" | "open" | "resolved";
  /** What the agent said about it, redacted; empty where nothing. */
  text: string;
  /** How many times help was asked for in this call. */
  asked: number;
  /** When it was asked for, the last time. */
  asked_ms: number;
  /** Since when it has been in this state. */
  at_ms: number;
  /** The supervisor who took it on or dealt with it; empty where nobody did, or the name is not known. */
  by: string;
  /** Why it is resolved: by a supervisor; taken back by the agent; the call is over. */
  reason: "" | "ended" | "handled" | "withdrawn";
}

/** What would this sentence bring up? With a `rule`: and why does this one come, or not? */
export interface Try {
  sentence: string;
  party?: "agent" | "customer";
  queue?: string;
  /** After the call's start. */
  at_seconds?: number;
  rule?: string;
}

/** Look through the last calls of the log. */
export interface JobWanted {
  kind: "backtest" | "gaps" | "outcomes";
  calls?: number;
  /** Have what was meant read by a model too, where there is one: it takes longer. */
  meaning?: boolean;
}

/** A rule of the playbook in use, and where it is written; `path` is empty until lint has read the folder. */
export interface RuleLine {
  id: string;
  title: string;
  kind: "alert" | "article" | "checklist" | "coach" | "supervisors";
  draft: boolean;
  path: string;
  line: number;
}

/** A rule whose condition one sentence met. `held_back` says why no card would come of it by itself. */
export interface Fired {
  rule: string;
  to: "agent" | "supervisors";
  kind: "alert" | "article" | "checklist" | "coach";
  title: string;
  /** With what the sentence filled its slots with. */
  say: string;
  priority: number;
  condition: string;
  phrase: string;
  words: Quote[];
  /** Words that were heard otherwise than they are written. */
  bends: Bend[];
  /** How sure a model is, where it was meant and not said. */
  score: number | null;
  /** Articles that are about as likely to be meant. */
  near: string[];
  held_back: string;
}

/** What moved the mood, by how much of the patience that was left, and the words. */
export interface Weighed {
  what: string;
  weight: number;
  words: Quote[];
}

/** A rule that the sentence came near to. `share` is how much of the phrase was there, 0 to 1. */
export interface Miss {
  rule: string;
  title: string;
  phrase: string;
  share: number;
  because: string;
}

/**
 * How near a sentence came to what a rule means, 0 to 1; from 0.5 on it counts as meant, of articles the likeliest.
 *
 * `lost_to`: the article that was likelier.
 */
export interface Likely {
  rule: string;
  score: number;
  meant: boolean;
  lost_to: string;
}

/** An article that a search for the sentence finds. `score`: larger is nearer, and only within one search. */
export interface NearArticle {
  article: string;
  title: string;
  score: number;
}

/** What one sentence would bring up. Fired rules come in the order in which their cards would. */
export interface Tried {
  fired: Fired[];
  /** What the sentence filled. */
  slots: Record<string, string>;
  /** Steps of checklists, as `opening/opening-greet`, and of articles, as `bill-doubled/2`. */
  ticked: string[];
  score: number;
  band: "calm" | "critical" | "frustrated" | "tense";
  reasons: Weighed[];
  near: Miss[];
  /** What it may mean, the likeliest first; None where no model read it. */
  likely: Likely[] | null;
  articles: NearArticle[];
}

/** One thing that the call says of a rule. */
export interface Point {
  sentence: string;
  at_ms: number | null;
  words: Quote[];
}

export interface RuleStory {
  rule: string;
  title: string;
  verdict: string;
  points: Point[];
}

/**
 * What a sentence would bring up, and where a rule was named, why this one came or did not.
 *
 * `lane`: where it is not `on`, words alone were looked at.
 */
export interface TriedSentence {
  playbook: string;
  lane: "down" | "off" | "on" | "starting";
  tried: Tried;
  story: RuleStory | null;
}

/** Of one rule. A card that was opened twice counts once, under what it was opened. */
export interface RuleOutcome {
  rule: string;
  title: string;
  /** `supervisors`: alerts on their board; `shown` counts those that were raised, `useful` those taken on. */
  kind: "alert" | "article" | "checklist" | "coach" | "supervisors";
  draft: boolean;
  /** In which it was shown. */
  calls: number;
  shown: number;
  opened: number;
  copied: number;
  pinned: number;
  useful: number;
  /** By the reason that the agent gave; empty where none was. */
  dismissed: Record<string, number>;
  /** Cards that the server could not deliver in time: nobody saw them. */
  late: number;
  /** By reason; see `Withheld`. */
  withheld: Record<string, number>;
}

/** `since` and `until`: when the first and the last of the calls began, in Unix milliseconds; 0 without calls. */
export interface Outcomes {
  playbook: string;
  calls: number;
  since: number;
  until: number;
  rules: RuleOutcome[];
}

/** What a customer asked, masked as it is in the log. */
export interface Question {
  call_id: string;
  at_ms: number;
  text: string;
}

/** The article that a search for a group's first question finds. */
export interface NearestArticle {
  id: string;
  title: string;
}

/** Questions that are alike; the first is the one that is nearest to most of the others. */
export interface Gap {
  count: number;
  calls: number;
  examples: Question[];
  nearest: NearestArticle | null;
}

export interface Gaps {
  playbook: string;
  calls: number;
  /** Questions and requests in all, answered or not. */
  asked: number;
  unanswered: number;
  /** Whether they are grouped by what they mean, or by their words. */
  meaning: boolean;
  /** The largest first; what stands alone comes last. */
  groups: Gap[];
}

/** One card, and where it came. Texts are masked. */
export interface Example {
  call_id: string;
  at_ms: number;
  words: string;
  /** What the rule listened for. */
  condition: string;
  score?: number | null;
  place?: [turn: number, party: "agent" | "customer" | "system" | "unknown", text: string, start: number, end: number] | null;
  /** With labels: whether one says that the rule was right here. */
  right?: boolean | null;
  /**
   * Of a card that is gained: why the old playbook did not show it, of one that is lost: the new. Empty where that
   * playbook had no call for it.
   */
  withheld?: string;
  /** The rule or card that stood in its way, where one did. */
  by?: string;
  /** Of a card that moved: as it was. */
  before?: Example | null;
}

export interface RuleDifference {
  rule: string;
  /** What was done to the rule itself. The cards of one that is the `same` differ because of others. */
  change: "added" | "edited" | "removed" | "same";
  old: number;
  new: number;
  gained: number;
  lost: number;
  moved: number;
  /** With labels: of the old playbook and of the new. */
  precision: [number | null, number | null] | null;
  recall: [number | null, number | null] | null;
  examples_gained: Example[];
  examples_lost: Example[];
  examples_moved: Example[];
}

/**
 * What the change would have done.
 *
 * `rules` are those that were edited or whose cards differ, and with labels those that a label names; the largest
 * difference comes first.
 */
export interface Report {
  old: string;
  /** Versions of the two playbooks. */
  new: string;
  calls: number;
  /** That the calls lasted, in all. */
  seconds: number;
  calls_changed: number;
  cards_old: number;
  cards_new: number;
  gained: number;
  lost: number;
  moved: number;
  precision: [number | null, number | null] | null;
  recall: [number | null, number | null] | null;
  /** Labels of calls that were not among those folded; they count nowhere. */
  labels_without_call: number;
  rules: RuleDifference[];
}

/** Times in microseconds, each percentile at most 3 % too high; all 0 where nothing was timed. */
export interface Spread {
  count: number;
  p50_us: number;
  p95_us: number;
  p99_us: number;
  p999_us: number;
  max_us: number;
  /** How many were as long as each bar of a logarithmic axis says. */
  bars: number[];
}

/** One stage. All but `reading` and `lag` are of the events that brought somebody a card. */
export interface StageTimes {
  /**
   * `decode`, `append`, `fold`, `encode`, `write`, `total`; `reading`, a model's, from being asked to its answer;
   * `lag`, by how much the server came late to what was due, fifty times a second.
   */
  stage: string;
  /** Of the last minute. */
  minute: Spread;
  /** Since the server started. */
  start: Spread;
}

/** The figures of one server now. What is counted is counted since the server started. */
export interface Latency {
  /** Version of rtig. */
  server: string;
  up_seconds: number;
  /** Why no client should be sent here now; see `/readyz`. */
  problems: string[];
  stages: StageTimes[];
  live_calls: number;
  /** Share of the last second or so that the server was at work; beyond 0.85 it refuses new calls. */
  busy: number;
  /** Calls that were taken. */
  admitted: number;
  /** By role. */
  connections: Record<string, number>;
  /** Cards that were not shown because they came too late. */
  late: number;
  /** Utterances that waited too long for the model and were not read. */
  shed: number;
  /** Connections closed because the client did not keep up. */
  too_slow: number;
  /** Messages not taken, by code. */
  refused: Record<string, number>;
  lane: "down" | "off" | "on" | "starting";
  lane_restarts: number;
}

export type Code =
  | "bad_json"
  | "bad_message"
  | "unknown_type"
  | "unknown_field"
  | "binary_not_supported"
  | "hello_first"
  | "hello_twice"
  | "unknown_role"
  | "not_allowed"
  | "unauthenticated"
  | "bad_origin"
  | "bad_protocol"
  | "bad_time"
  | "unknown_call"
  | "unknown_card"
  | "unknown_alert"
  | "unknown_help"
  | "unknown_rule"
  | "unknown_job"
  | "unknown_format"
  | "call_ended"
  | "call_taken"
  | "call_full"
  | "rate_limited"
  | "too_many_errors"
  | "too_slow"
  | "draining"
  | "at_capacity"
  | "log_unavailable";

export type ClientMessage =
  | Hello
  | Watch
  | Unwatch
  | Answer
  | AskHelp
  | TakeBackHelp
  | AskBrief
  | SendHandover
  | AskHistory
  | AskCourse
  | WatchBoard
  | AnswerAlert
  | SayToAgent
  | Find;

export type ServerMessage =
  | Welcome
  | Ack
  | Refused
  | Calls
  | Guided
  | StartOver
  | CaughtUp
  | Briefed
  | History
  | CourseIs
  | Found
  | LaneIs
  | KnowledgeIs
  | JobIs
  | Board
  | Bye;

export type Guidance =
  | CallInfo
  | Line
  | Card
  | Mood
  | Checklist
  | Withheld
  | Whisper
  | Hint
  | Help
  | Handover;
