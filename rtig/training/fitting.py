"""Fine-tunes the encoder: emotions, mood and intents at once, while meanings stay near to where they were.

What a batch holds follows from the seed and its number alone, and a checkpoint is written every few minutes, so a run
that was stopped goes on where it was and ends as if it had not been.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rtig.core.text import normal
from rtig.lane.encoder import EMOTIONS
from rtig.training.corpus import Corpus, Sentence
from rtig.training.network import WIDTH, Network, cut, padded
from rtig.training.wording import garbler_of, misheard

BATCH = 64
EPOCHS = 5
RATE, WARM_UP, LEAST_RATE = 1.2e-4, 0.06, 0.02
"""Of Adam; it climbs over the first share of the steps and then falls in a straight line."""
HEADS_RATE = 8e-4
"""The heads know nothing yet."""
DECAY, CLIP = 0.01, 1.0
DRAWN = {"emotions": 1.0, "service": 2.0, "intents": 0.35, "plain": 0.5}
"""How much of each part is drawn for an epoch."""
RARE, RARE_POWER = 0.02, 0.7
"""An emotion that fewer texts have is drawn more often, by a power of how much rarer it is (Gupta et al. 2019, LVIS,
where the power is a half)."""
TYPED, HEARD = 0.45, 0.35
"""So often a sentence is given as typed, and as recognised; otherwise as misheard."""
NEAR, MOOD, INTENT = 10.0, 1.0, 0.5
"""How much the other aims count beside the emotions: meaning stays near, mood, intents."""
GUESSED_MOOD = 0.5
"""How much a mood counts that only follows from emotions, beside one that somebody wrote down."""
SAVED_EVERY = 200

Progress = Callable[[int, int, dict[str, float]], None]
"""Steps done, steps in all, and the running mean of each loss."""


class _Item(NamedTuple):
    sentence: Sentence
    target: int
    """Its row among the vectors that meanings stay near to."""


class _Batch(NamedTuple):
    items: list[_Item]
    texts: list[str]


def fit(corpus: Corpus, work: Path, *, seed: int = 0, epochs: float = EPOCHS, progress: Progress) -> Network:
    """The trained network. `work`: a folder for the checkpoint and what is computed once."""
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    parts = {name: getattr(corpus, name) for name in DRAWN}
    places, total = {}, 0
    for name, sentences in parts.items():
        places[name], total = total, total + len(sentences)
    spoken = {name: [normal(one.text) for one in sentences] for name, sentences in parts.items()}
    network = Network(intents=len(corpus.intent_names))
    targets = _targets(network, [text for texts in spoken.values() for text in texts], work / "targets.pt")
    plan = _Plan(parts, places, spoken, seed)
    steps = int(epochs * plan.steps)
    optimizer = _optimizer(network)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: _rate(at, steps))
    checkpoint = work / "checkpoint.pt"
    done, losses = 0, dict[str, float]()
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"])
        done, losses = saved["done"], saved["losses"]
    network.train()
    for at, batch in plan.batches(done, steps):
        found = _losses(network, batch.items, targets, *padded(cut(batch.texts)))
        optimizer.zero_grad()
        torch.stack(list(found.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        for name, loss in found.items():
            losses[name] = losses.get(name, loss.item()) + 0.02 * (loss.item() - losses.get(name, loss.item()))
        done = at + 1
        progress(done, steps, losses)
        if done % SAVED_EVERY == 0 or done == steps:
            state = {
                "network": network.state_dict(), "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(), "random": torch.get_rng_state(), "done": done, "losses": losses,
            }  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    return network.eval()


class _Plan:
    """What each step is given."""

    def __init__(
        self, parts: dict[str, tuple[Sentence, ...]], places: dict[str, int], spoken: dict[str, list[str]], seed: int
    ) -> None:
        self._parts, self._places, self._spoken, self._seed = parts, places, spoken, seed
        self._garbler = garbler_of(text for texts in spoken.values() for text in texts)
        self._shares = {name: _shares(sentences, DRAWN[name]) for name, sentences in parts.items()}
        self.steps = sum(int(sum(shares)) for shares in self._shares.values()) // BATCH
        """In an epoch."""

    def batches(self, done: int, until: int) -> Iterator[tuple[int, _Batch]]:
        """Those from step `done` on, with their numbers."""
        for epoch in range(done // self.steps, until // self.steps + 1):
            for at, batch in enumerate(self._epoch(epoch), epoch * self.steps):
                if done <= at < until:
                    yield at, batch

    def _epoch(self, epoch: int) -> list[_Batch]:
        rng = random.Random(f"{self._seed}/{epoch}")  # noqa: S311 (a sample, not a secret)
        drawn: list[tuple[str, int]] = []
        for name, shares in self._shares.items():
            carried = rng.random()  # what is left of the shares before: a share of 1.3 is drawn once, or twice
            for number, share in enumerate(shares):
                carried += share
                drawn += [(name, number)] * int(carried)
                carried -= int(carried)
        rng.shuffle(drawn)
        made = [self._worded(name, number, rng) for name, number in drawn[: self.steps * BATCH]]
        # Texts of one length together, within some batches: what is padded is computed too.
        made = [
            one for at in range(0, len(made), 50 * BATCH) for one in sorted(made[at : at + 50 * BATCH], key=_length)
        ]
        batches = [made[at : at + BATCH] for at in range(0, len(made), BATCH)]
        rng.shuffle(batches)
        return [_Batch([item for item, _ in batch], [text for _, text in batch]) for batch in batches]

    def _worded(self, name: str, number: int, rng: random.Random) -> tuple[_Item, str]:
        sentence, spoken = self._parts[name][number], self._spoken[name][number]
        drawn = rng.random()
        if drawn < TYPED or not spoken:
            text = sentence.text
        else:
            text = spoken if drawn < TYPED + HEARD else misheard(spoken, self._garbler, rng)
        return _Item(sentence, self._places[name] + number), text


def _shares(sentences: Sequence[Sentence], share: float) -> list[float]:
    """How often each is drawn in an epoch."""
    counts = Counter(place for one in sentences for place in one.emotions or ())
    rarer = {place: max(1.0, RARE * len(sentences) / count) ** RARE_POWER for place, count in counts.items()}
    return [share * max((rarer[place] for place in one.emotions or ()), default=1.0) for one in sentences]


def _length(made: tuple[_Item, str]) -> int:
    return len(made[1])


def _losses(network: Network, items: Sequence[_Item], targets: Tensor, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    passed = network(ids, mask)
    near = 1 - (passed.meaning * targets[[item.target for item in items]]).sum(1)
    losses = {"near": NEAR * near.mean()}
    labelled = [row for row, item in enumerate(items) if item.sentence.emotions is not None]
    if labelled:
        wanted = torch.zeros(len(labelled), len(EMOTIONS))
        for row, at in enumerate(labelled):
            wanted[row, list(items[at].sentence.emotions or ())] = 1.0
        each = nn.functional.binary_cross_entropy_with_logits(passed.emotions[labelled], wanted, reduction="none")
        losses["emotions"] = each.sum(1).mean()
    for name, logits, weights in (
        ("mood", passed.mood, [GUESSED_MOOD if item.sentence.emotions else MOOD for item in items]),
        ("intent", network.intent(passed.meaning), [INTENT] * len(items)),
    ):
        labels = [(row, value) for row, item in enumerate(items) if (value := getattr(item.sentence, name)) is not None]
        if labels:
            rows, wanted_of = zip(*labels, strict=True)
            each = nn.functional.cross_entropy(logits[list(rows)], torch.tensor(wanted_of), reduction="none")
            losses[name] = (each * torch.tensor([weights[row] for row in rows])).mean()
    return losses


def _targets(network: Network, texts: Sequence[str], file: Path) -> Tensor:
    """What each text meant before training: shape (texts, WIDTH)."""
    if file.is_file():
        known: Tensor = torch.load(file, weights_only=True)
        if len(known) == len(texts):
            return known
    targets = meanings(network, texts)
    torch.save(targets, file)
    return targets


def meanings(network: Network, texts: Sequence[str]) -> Tensor:
    """Vectors of length 1: shape (texts, WIDTH)."""
    found = torch.zeros(len(texts), WIDTH)
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    network.eval()
    with torch.inference_mode():
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            found[rows] = network(*padded(cut([texts[row] for row in rows]))).meaning
    return found.clone()


def _optimizer(network: Network) -> torch.optim.Optimizer:
    heads = [*network.emotions.parameters(), *network.mood.parameters()]
    known = {id(one) for one in heads}
    trained: list[Any] = [one for one in network.parameters() if one.requires_grad and id(one) not in known]
    return torch.optim.AdamW(
        [
            {"params": [one for one in trained if one.ndim >= 2], "weight_decay": DECAY},
            {"params": [one for one in trained if one.ndim < 2], "weight_decay": 0.0},
            {"params": heads, "weight_decay": DECAY, "lr": HEADS_RATE},
        ],
        lr=RATE,
    )


def _rate(at: int, steps: int) -> float:
    return min(1.0, at / (WARM_UP * steps)) * max(LEAST_RATE, 1 - at / steps)
