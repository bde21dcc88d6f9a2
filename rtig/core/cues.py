"""How people say that they ask, have done, or promise something: what the brief looks for, by language.

A cue is a regular expression over words as they are compared (see `rtig.core.text`): lower case, without punctuation
and fillers, contractions written out ("I'll" is "i will", "can't" is "can not"), numbers up to twenty in words. It
finds whole words only. A language that has no table here has no cues; the brief then rests on position, question marks
and what the playbook understands.
"""

import re
from typing import NamedTuple

Pattern = re.Pattern[str]


class Cue(NamedTuple):
    """Words and how much they say."""

    pattern: Pattern
    weight: float


class Cues(NamedTuple):
    titles: frozenset[str]
    """Short forms whose full stop ends no sentence."""
    lead_in: Pattern
    """What begins a remark and says nothing: it is left away."""
    lead_out: Pattern
    """What ends a remark of the agent and says nothing: it is left away too."""
    introduction: Pattern
    """A customer who says who they are, and no more."""
    courtesy: Pattern
    """A remark that holds nothing else: a greeting, thanks, a farewell."""
    clause: Pattern
    """Where a long remark may be cut: before these words."""

    asks: tuple[Cue, ...]
    """The customer wants or asks something, or something is wrong."""
    question: Pattern
    """A remark that begins so is a question, where no mark says it."""
    aside: Pattern
    """A question about the conversation itself."""

    did: tuple[Cue, ...]
    """The agent has done, found, offered or refused something."""
    suggests: Pattern
    """The agent has the customer try something."""
    customer_did: tuple[Cue, ...]
    """The customer has tried something before, or decides."""
    outcome: Pattern
    """How it went, said by the customer right after."""

    promises: tuple[Cue, ...]
    """The agent says what will be done, or come."""
    outward: Pattern
    """What is promised reaches beyond the call."""
    meanwhile: Pattern
    """It is about the next moments of the call."""
    when: Pattern
    condition: Pattern
    """It holds only for somebody who does something: no promise, but how things are."""
    undertakes: Pattern
    """The agent is about to find something out, and owes the answer."""

    asks_identity: Pattern
    """The agent asks who is calling: what the customer answers is no news to anybody."""
    asks_name: Pattern
    asks_reference: Pattern
    """The agent asks for a number that names the customer or their case."""
    reference: Pattern
    """The answer to that, wherever it stands in a remark."""
    gives_name: Pattern


def _of(*words: str) -> Pattern:
    """Any of these, as whole words."""
    return re.compile(rf"(?<!\S)(?:{'|'.join(words)})(?!\S)")


def _cue(weight: float, *words: str) -> Cue:
    return Cue(_of(*words), weight)


_NUMBER = (
    r"(?:\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|"
    r"sixty|ninety|few|couple of)"
)
_DIGIT = r"(?:\d+|oh|zero|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_DAY = (
    r"(?:today|tomorrow|tonight|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|midday|midnight|"
    r"this (?:morning|afternoon|evening|week|month)|the weekend|(?:the )?end of (?:the |this |next )?(?:day|week|"
    r"month)|(?:the |your |my )?next (?:week|month|bill|statement|working day|business day|day)|"
    r"(?:about )?half past \S+|the (?:\S+teenth|\S+tieth|\d+(?:st|nd|rd|th)|twenty (?:first|second|third|fourth|"
    r"fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth)(?: of \S+)?|\d{1,2}(?:st|nd|rd|th)|the (?:first|"
    r"second|third|fourth|fifth|sixth|seventh|eighth|ninth) of \S+)"
)
_WHEN = (
    rf"(?:(?:by|before|on|at|until|from|for|after) )?{_DAY}(?: (?:morning|afternoon|evening|(?:at|before|by|between) "
    rf"(?:{_DAY}|{_NUMBER}(?: (?:and|to) {_NUMBER})?)))?(?: at the latest)?",
    rf"(?:(?:with)?in|after|for|about) (?:the next |about |around |up to |less than )?(?:{_NUMBER} (?:to |"
    rf"or |and )?)?{_NUMBER} (?:working |business )?(?:days?|hours?|weeks?|months?)",
    rf"{_NUMBER} (?:(?:to|or|and) {_NUMBER} )?(?:working|business) days?",
    r"within the hour|straight ?away|right away|immediately|as soon as (?:possible|i can|we can|it is)|asap|"
    r"in due course|shortly|every \S+",
    rf"between {_NUMBER} and {_NUMBER}",
)
_DONE = (
    r"(?:reset|restarted|rebooted|refreshed|sent|posted|emailed|texted|booked|scheduled|rescheduled|arranged|ordered|"
    r"reordered|cancelled|canceled|refunded|credited|changed|updated|moved|transferred|blocked|unblocked|locked|"
    r"unlocked|removed|added|opened|closed|activated|deactivated|replaced|fixed|repaired|tested|raised|escalated|"
    r"logged|reported|submitted|processed|issued|applied|registered|noted|verified|approved|made|upgraded|"
    r"downgraded|extended|waived|disconnected|reconnected|switched|saved|created|resolved|completed|reserved|placed|"
    r"notified|informed|contacted|forwarded|amended|corrected|signed|stopped|frozen|deleted|enabled|disabled|"
    r"dispatched|set up|put|taken|found|asked for|asked|told|written|spoken|checked|stopped)"
)
_DID = (
    r"(?:reset|restarted|rebooted|refreshed|sent|posted|emailed|texted|booked|arranged|ordered|cancelled|canceled|"
    r"refunded|credited|changed|updated|moved|transferred|blocked|locked|unlocked|removed|added|tested|ran|raised|"
    r"escalated|logged|reported|submitted|applied|switched|contacted|spoke|rang|checked|found)"
)
_HELPERS = (
    r"(?:they|he|she|it|that|someone|somebody|the \S+|an? (?:engineer|colleague|manager|supervisor|courier|technician|"
    r"specialist|agent|driver|member of \S+ \S+)|(?:my|our) (?:manager|colleague|supervisor|engineer|team|\S+ team))"
)

ENGLISH = Cues(
    titles=frozenset(("dr", "mr", "mrs", "ms", "st", "no", "vs", "prof", "approx")),
    lead_in=re.compile(
        r"(?:(?:okay|ok|right(?! now)|so|well|hi|hello|hey|hiya|yeah|yes|yep|sure(?: thing)?|alright|all right|oh|"
        r"and|but|also|perfect|lovely|great|good (?:morning|afternoon|evening|news)|(?:morning|afternoon|evening)(?="
        r" (?:i|my|we|can|could|it|this)\b)|can you hear me|there(?= i | we )|anyway|ah|then|like|"
        r"thanks(?: so much)?(?! for)|thank you(?: so much| very much)?(?! for)|of course|no problem|no worries|"
        r"absolutely|wait|i mean|you know|actually|please(?= i | because )|no(?= (?:i|it|we|you|that|you have|"
        r"there)\b))(?: |$))+"
    ),
    lead_out=re.compile(
        r" (?:(?:and )?(?:is there|do you need|can i help you with) anything else.*|(?:does that|is that) (?:work|"
        r"help|okay|ok|all right|alright|good|fine|make sense)(?: \S+){0,3}|anything else(?: \S+){0,4}|"
        r"(?:and )?thanks? (?:you )?for (?:calling|staying|your|holding)(?: \S+){0,4}|bye(?: bye| now)?|okay|right)$"
    ),
    introduction=re.compile(
        r"my (?:full )?name(?: \S+){0,6}|(?:this is|i am|it is|speaking|"
        r"the account holder)(?: \S+){0,3}(?: speaking| here| calling)?"
    ),
    courtesy=re.compile(
        r"(?:(?:no|yes|yeah|okay|ok|hi|hello|hey|thanks|thank|you|very|so|much|again|that|is|was|will|be|all|it|for|"
        r"your|the|help|helping|me|i|needed|need|just|everything|great|perfect|good|bye|goodbye|now|have|a|nice|lovely|"
        r"day|evening|too|welcome|today|please|sure|right|then|alright|cheers|take|care|to|going|would|not|worries|"
        r"problem|lot|appreciate|really|else|know|nothing|done|oh|well)(?: |$))+"
    ),
    clause=_of(
        r"(?:(?:and|but|so|because|cause|then|or|which|if|when|where|what|how|why) )+(?:i|we|you|it|they|he|she|"
        r"there|that|this|my|your|the|can|could|would|do|is|are|nobody|now|somebody)",
        r"(?:i|we) (?:am|are|have|had|will|would|can|could|want|need|did|do|was)",
        r"(?:you|it|they|there|he|she) (?:will|is|are|was|were|has|have)",
        r"(?:can|could|would) (?:you|i|we)",
        r"let me",
    ),
    asks=(
        _cue(
            3,
            r"i (?:just |only |really |also )?(?:want(?:ed)?|need(?:ed)?|wish(?:ed)?) (?!that\b)\S+",
            r"i would (?:just |really |also )?(?:like|love|prefer)",
            r"(?:just )?wanted to (?:ask|know|see|check|find|get|make)",
            r"(?:calling|ringing|phoning|writing|contacting you|enquiring|inquiring) (?:in |you )?(?:about|because|"
            r"regarding|to|for|as|with)",
            r"i am (?:just |kind of )*(?:looking|trying|hoping|in need|interested|wondering|after a)",
            r"i (?:was|am) (?:wondering|promised|told)",
            r"(?:i have|i have got|there is|having) (?:a|an|this|some|another|two) (?:\S+ )?(?:problems?|issues?|"
            r"questions?|quer(?:y|ies)|complaints?|trouble|things?)",
            r"need (?:some |your )?help|(?:help|assist) (?:me|us|with)|would like",
            r"(?:speak|talk) (?:to|with) (?:a|an|the|your|someone|somebody)(?: \S+)?",
            r"i was promised|i am (?:still )?waiting",
            r"(?:i|we) (?:can not|could not|am not able to|are not able to|am unable to)",
        ),
        _cue(
            2,
            r"(?:can|could|would|will) (?:you|i|we|it|someone|somebody|they) (?:please )?\S+",
            r"(?:how|where|when|what|which|why|who) (?:do|does|did|can|could|should|are|was|were|will|would|much|"
            r"long|many|about|come|happens|is the|is my|is your|is it going)",
            r"(?:is|are) there (?:a|an|any|some|something|anything|another)",
            r"do (?:you|we|i) (?:have|get|need|still|know|take|leave|even|offer|do|think)",
            r"am i (?:going|still|paying|entitled|supposed|eligible)|should i|let me know",
            r"(?:did|does|do|is|are|has|have|was|can|could|will|would) not (?!know|think|have to|worry|matter|mind|"
            r"want)\S+",
            r"(?:never|still no|still not|not even|no longer) \S+",
            r"keeps? (?:on )?\S+ing",
            r"please (?:book|check|send|cancel|change|find|give|help|tell|put|remove|add|make|let|do)",
            r"(?:i|we) (?:am|are) (?:moving|leaving|cancelling|going to|paying for)",
        ),
        _cue(
            1.5,
            r"broken|faulty|stolen|lost|missing|wrong|doubled|twice|scammed|hacked|locked out|stopped working|dropping|"
            r"dropped|drops|crash(?:ed|es|ing)|overcharged|cancel|refund|complain(?:t|ing)?|cheaper|expired|declined|"
            r"damaged|late|delayed|fraud|fraudulent|deceased|passed away|died|ombudsman|returned?|exchange|"
            r"replace(?:ment)?|error|failed|too (?:high|much|expensive|slow)|more than|went up|gone up",
        ),
    ),
    question=re.compile(
        r"(?:(?:who|what|when|where|why|which|how)(?: (?:is|are|was|do|does|did|can|could|will|would|much|many|long|"
        r"about|come|else|happens|if))|(?:is|are|was|do|does|did|can|could|will|would|have|has|should|am) (?:i|you|"
        r"we|it|that|this|there|they|he|she|somebody|someone|my|the|your))(?!\S)"
    ),
    aside=_of(
        r"(?:can|could) you (?:hear|repeat|say that|see|help)(?: me| us| it)?(?: again)?(?: (?:please|with this|"
        r"with that|now|out))?$|can you (?:tell|help) me$",
        r"(?:did|do) you (?:say|hear|mean)|are you (?:there|still there|coming)|(?:was|is) that (?:bad|okay|right|"
        r"all)$|how are you|(?:can|could) i (?:just )?(?:ask|stop you)|is that (?:the one|it)",
    ),
    did=(
        _cue(
            3,
            rf"(?:i|we) (?:have|had) (?:just |already |now |also |gone ahead and |both )*{_DONE}",
            rf"(?:i|we) (?:just |already |also |then )?{_DID}(?! (?:out|you|that you)\b)",
            rf"(?:has|have|had|is|are|was|were) (?:now |just |already |all |been |successfully |both )+{_DONE}",
            r"(?:that is|it is|all) (?:all |now )?(?:done|sorted|fixed|booked|set up|asked for|cancelled|on its way|"
            r"saved)",
            r"done(?= (?:you|it|that|your)\b)",
            r"(?:i|we) am (?:just |now )?(?:marking|sending|adding|booking|reporting|cancelling|changing|ordering|"
            r"raising|putting (?!you\b)|passing it)",
        ),
        _cue(
            2,
            r"i (?:can )?(?:now )?see (?!if\b|what\b|whether\b)\S+",
            r"it says(?: here)?|(?:i|we) have got (?:a|an|the|your) \S+|(?:there is|there was) (?:a|an|no) (?:\S+ )?"
            r"(?:fault|problem|note|outage|error|sign in|payment|charge|credit|discount|issue|delay|slot|record|"
            r"booking)",
            r"(?:bounced|failed|expired|ended on|was declined|did not go through|needs a)",
            r"(?:no answer|nobody (?:checked|gave|approved))",
            r"(?:unfortunately|i am afraid|i am (?:very )?sorry but) \S+",
            r"(?:i|we) (?:can not|could not|are not able to|am not able to|do not|am not|are not) (?!know|think|"
            r"have to|mind|need|worry|want|blame|see|hear|ask|understand)\S+",
            r"(?:i|we) (?:can|could) (?:do|offer|give|put|get you|split|send every|take off) (?!you through)\S+",
            r"you can (?!say|see|hear|hold|go\b|tell)\S+",
            r"(?:you are|you were) (?:getting|paying|out of|within|entitled|eligible)",
            r"(?:i|we) (?:will|am going to|are going to) (?:now |just |then )*(?:change|reset|restart|switch|remove|"
            r"take|mark|treat) (?:the|it|your|off|that|this)|i treat it",
        ),
    ),
    suggests=_of(
        r"(?:could|can|would) you (?:please |just |try (?:and|to) )*(?:try|log|turn|restart|reset|reboot|unplug|switch|"
        r"clear|click|go to|reinstall|move|plug|press)",
        r"(?:have you tried|(?:please |just )?try) (?:to )?\S+ing",
    ),
    customer_did=(
        _cue(
            3,
            r"(?:i|we) (?:have|had) (?:already |just |also |even |now |been )*(?:tried|turned|reset|restarted|rebooted|"
            r"unplugged|reinstalled|called|rung|phoned|emailed|written|spoken|asked|checked|told|changed|clicked|"
            r"contacted|complained|swapped|plugged|typed|switched)",
            r"(?:i|we) (?:already |also |even |just )*(?:tried|restarted|rebooted|unplugged|reinstalled|called|phoned|"
            r"emailed|clicked|complained|turned it|switched it|said that|put my|did (?:one|it|that|a|the))",
            r"(?:second|third|fourth|fifth|\d+th) time",
            r"(?:someone|somebody|they) (?:already )?(?:put|told me|said|sent|promised)",
            r"(?:i will|i would rather|let us|we will) (?:just )?(?:take|stay|have|go (?:with|for)|keep|carry)|"
            r"go on then|(?:just )?carry it over|(?:do not|not to) (?:order|send|book|cancel|change)|"
            r"i am happy with (?:that|it)|(?:then|just) (?:split|do|send|cancel|keep|book)(?: it| that)?|(?:split|"
            r"send|keep|book|cancel) (?:it|that)? ?then",
        ),
    ),
    outcome=_of(
        r"still (?:not|a no|the same|nothing|no|red|off|down|does not|do not|can not|have not|is not|doing)(?: \S+)?",
        r"(?:does|did|is|has) not (?:work(?:ing|ed)?|help(?:ed)?|fix(?:ed)?|change[d]?|load|connect)",
        r"(?:neither|none) of (?:them|those|it) (?:\S+ )?work(?:ed|s)?|no (?:change|luck|difference|joy)|"
        r"same (?:thing|problem|error|again)",
        r"(?:it|that|this|which) (?:works|worked|is working|has worked|fixed it|did the trick)|(?:it is|"
        r"that is) (?:back|fixed|gone|working|better)(?: on| now| up)?",
    ),
    promises=(
        _cue(
            2,
            r"(?:i|we) (?:will|shall|am going to|are going to|am about to) (?!(?:also |then |just |"
            r"now )*(?:be (?:able|happy|glad)|need|try|help|assist|have to)\b)\S+",
            r"you (?:will|should|are going to) (?:also |then |now |not |be able to )*(?:get|receive|have|hear|see|"
            r"find|be|pay|need|lose|keep)",
            rf"{_HELPERS} (?:will|should|is going to|are going to|can) (?:also |then |now |not )*(?:be|come|call|"
            rf"ring|phone|"
            r"contact|get|give|send|arrive|reach|text|email|post|go|start|stop|show|take|knock|let|have|stay)",
            r"(?:then|now|so) i (?:treat|send|refund|post|book|order|replace) \S+|(?:i|we) (?:treat|send|refund|"
            r"post|book|order|replace) \S+(?: \S+){0,7} (?:today|tomorrow|tonight)",
            r"there will be|(?:nobody|nothing|no one) (?:will|is going to|changes)",
            r"(?:and|also) will (?:call|contact|send|get|ring|email)",
            r"will be (?:sent|credited|refunded|delivered|posted|emailed|called|contacted|replaced|back|ready|done|"
            r"with you|on the|in touch)",
            r"(?:it|that|he|she|the \S+|the \S+ \S+) (?:comes|arrives|goes back|goes out)",
            r"that is (?:booked|arranged|set up) for",
            r"can (?:be with you|come|have (?:it|that|one) (?:with you|there))",
        ),
    ),
    outward=_of(
        r"(?:send|sending|text|texting|e?mail|emailing|post|posting|call|ring you|ring back|ringing|phone|contact|"
        r"refund|credit|book|order|arrange|report|escalate|cancel|replace|write|get|receive|hear|come|arrive|add|"
        r"take off|taken off|put (?!you\b)\S+|make (?:sure|a note)|note|stop|start|take \S+(?: \S+)? off|"
        r"leave a note|move|change|waive|apply|treat|deliver|pay|back to you|in touch|on its way|next bill|"
        r"give you a call|with you|let you know|let me know|find out|sort|goes back|comes|be (?:on (?:the|"
        r"your) (?:next )?(?:bill|account|statement)|sent|credited|refunded|delivered|ready|back)|a (?:bag|text|"
        r"credit|refund|letter|new one))",
    ),
    meanwhile=_of(
        r"on hold|hold the line|bear with me|one (?:moment|second|sec)|(?:a|ten|few|couple of) (?:moments?|seconds?|"
        r"secs?|sec)|put you through|pass(?:ing)? you over|transfer you|have a (?:quick )?look|take a look|let me|"
        r"see (?:what|if|who)|while i|be able to help|happy to help|glad to help|go through|need your|stay with you|"
        r"about \S+ seconds|(?:half a|\S+) minutes?|indicate|read|check (?:that|this|it|for|what|if|your|the)|"
        r"look (?:at|into|up)|(?:will|going to) (?:need|ask|have to|take (?:the|your))|ask you|(?:and|then) answer",
    ),
    when=_of(*_WHEN),
    condition=_of(r"(?:when|if) you"),
    undertakes=_of(
        r"(?:let me|i will|i am going to) (?:just |quickly |go and |try to )*(?:check|find out|look|see|ask|"
        r"have a look|take a look|speak|talk|ring|call|test|run)|i can (?:check|find out|ask)",
        r"bear with me|one moment|hold on",
    ),
    asks_identity=_of(
        r"(?:address|postcode|post code|zip(?: code)?|date of birth|e?mail(?: address)?|phone number|pin|maiden name|"
        r"account holder|(?:account|order|booking|reference|customer) (?:number|id)|(?:full|first|last|your) name)",
    ),
    asks_name=_of(
        r"(?:your|full|first|last) (?:\S+ )?name|name on the account|who (?:am i|i am) (?:speaking|talking)",
    ),
    asks_reference=_of(
        r"(?:account|order|booking|reference|customer|policy|case|ticket|confirmation|member(?:ship)?|claim|tracking|"
        r"reservation)(?: reference)? (?:number|id|reference|code)|(?:account|order)(?: (?:and|or) \S+)+ ids?|"
        r"user ?name",
    ),
    reference=re.compile(rf"(?<!\S)(?:{_DIGIT}(?: {_DIGIT}){{2,}}|\S*\d{{4,}}\S*|[a-z]+\d\S*|\S*\d[a-z]\S*)(?!\S)"),
    gives_name=re.compile(
        r"(?<!\S)(?:my name is|my full name is|this is|the name is|my name) (?!is\b|the\b|a\b|an\b|my\b|not\b|"
        r"about\b|for\b|getting\b|so\b|really\b|in\b|on\b|it\b|what\b|why\b|how\b|ridiculous\b)[^\W\d]+(?: (?!and\b|"
        r"i\b|from\b|calling\b|my\b|speaking\b|or\b|is\b|can\b|the\b|here\b|to\b)[^\W\d]+)?(?!\S)"
    ),
)

_nothing = re.compile(r"(?!)")
NONE = Cues(
    titles=frozenset(),
    lead_in=_nothing,
    lead_out=_nothing,
    introduction=_nothing,
    courtesy=_nothing,
    clause=_nothing,
    asks=(),
    question=_nothing,
    aside=_nothing,
    did=(),
    suggests=_nothing,
    customer_did=(),
    outcome=_nothing,
    promises=(),
    outward=_nothing,
    meanwhile=_nothing,
    when=_nothing,
    condition=_nothing,
    undertakes=_nothing,
    asks_identity=_nothing,
    asks_name=_nothing,
    asks_reference=_nothing,
    reference=_nothing,
    gives_name=_nothing,
)

BY_LANGUAGE = {"en": ENGLISH}
"""By the first part of the knowledge base's language tag."""


def cues_of(language: str) -> Cues:
    """The cues of a language; `NONE` where there is no table."""
    return BY_LANGUAGE.get(language, NONE)
