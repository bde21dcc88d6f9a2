"""How an English word sounds, well enough to tell which other words a recogniser may have taken it for.

Letters become phonemes by a table of rules, the first that fits at each place; words that follow none are listed. One
character is one phoneme:

    consonants  p b t d k g f v s z m n l r w y h, N (sing), S (shoe), Z (measure), C (chin), J (gin), T (thin), D
    (then) vowels      a e i o u, A (day), E (see), I (my), O (go), U (too), W (now), Y (boy), @ (the a of about, er)

Measured against the CMU dictionary on the 6,000 commonest words of service dialogues: one phoneme in seven differs,
mostly in unstressed vowels, which `outline` leaves aside.
"""

import re
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

_EXCEPTIONS = """
a:@ again:@gen although:olDO answer:ans@ any:enE are:or ate:At be:bE bear:ber been:bEn blood:blud book:bUk both:bOT
bread:bred break:brAk brother:bruD@ build:bild building:bildiN built:bilt business:biznis busy:bizE buy:bI calm:kom
change:CAnJ changes:CAnJiz changed:CAnJd changing:CAnJiN color:kul@ colour:kul@ come:kum cook:kUk going:gOiN
doing:dUiN being:bEiN cough:kof could:kUd country:kuntrE couple:kupl dead:ded debt:det do:dU does:duz done:dun
door:dor double:dubl doubt:dWt eight:At enough:inuf eye:I eyes:Iz flood:flud floor:flor foot:fUt for:for four:for
friend:frend front:frunt full:fUl give:giv good:gUd great:grAt group:grUp guarantee:gar@ntE guess:ges guest:gest
guy:gI half:haf have:hav he:hE head:hed health:helT heart:hort heavy:hevE hour:Wr hours:Wrz i:I instead:insted
island:Il@nd key:kE live:liv look:lUk lose:lUz love:luv machine:m@SEn many:menE me:mE minute:minit minutes:minits
money:munE month:munT months:munTs mother:muD@ move:mUv moved:mUvd moving:mUviN none:nun nothing:nuTiN notice:nOtis
of:uv office:ofis oh:O ok:OkA okay:OkA once:wuns one:wun only:OnlE or:or other:uD@ another:@nuD@ pear:per people:pEpl
police:p@lEs poor:por practice:praktis promise:promis prove:prUv pull:pUl push:pUS put:pUt quality:kwolitE
quantity:kwontitE question:kwesC@n questions:kwesC@nz read:rEd ready:redE already:olredE receipt:risEt rough:ruf
route:rUt router:rUt@ said:sed says:sez service:s@vis she:SE should:SUd some:sum something:sumTiN son:sun soup:sUp
steak:stAk sugar:Sug@ sure:Sor talk:tok tear:ter the:D@ their:Der there:Der they:DA though:DO through:TrU to:tU
ton:tun took:tUk touch:tuC tough:tuf trouble:trubl two:tU type:tIp use:yUz used:yUzd want:wont was:wuz wash:woS
watch:woC water:wot@ we:wE wear:wer weather:weD@ were:w@ what:wot where:wer who:hU whom:hUm whose:hUz woman:wum@n
women:wimin won:wun wood:wUd would:wud wrong:roN yeah:ye yes:yes you:yU young:yuN your:yor that:Dat this:Dis them:Dem
then:Den than:Dan these:DEz those:DOz themselves:Demselvz anything:enETiN anyone:enEwun anyway:enEwA anywhere:enEwer
anymore:enEmor someone:sumwun somewhere:sumwer somehow:sumhW sometimes:sumtImz somebody:sumbodE everyone:evrEwun
everything:evrETiN everybody:evrEbodE every:evrE everywhere:evrEwer how:hW now:nW down:dWn town:tWn brown:brWn
allow:@lW allowed:@lWd lost:lost cost:kost costs:kosts soul:sOl given:givn giving:giviN gives:givz begin:bigin
beginning:biginiN digit:diJit digits:diJits idea:IdE@ ideas:IdE@z area:erE@ areas:erE@z tuesday:tUzdA wednesday:wenzdA
reason:rEzn reasons:rEznz maybe:mAbE cheque:Cek cheques:Ceks heard:h@d early:@lE earlier:@lE@ earliest:@lE@st earth:@T
issue:iSU issues:iSUz issued:iSUd hundred:hundr@d thousand:TWz@nd listen:lisn listening:lisniN view:vyU review:rEvyU
interview:int@vyU buying:bIiN guys:gIz few:fyU away:@wA around:@rWnd arrange:@rAnJ arrive:@rIv arrived:@rIvd
appointment:@pYntment appointments:@pYntments direct:dIrekt directly:dIrektlE correct:k@rekt correctly:k@rektlE
company:kumpanE different:difrent actually:akCUlE usually:yUZUlE usual:yUZU@l future:fyUC@ unfortunately:unforCunAtlE
mobile:mObIl supposed:s@pOzd confused:konfyUzd security:sikyUritE secure:sikyUr value:valyU continue:kontinyU
argument:orgyUment quiet:kwI@t whole:hOl foreign:foren laugh:laf language:laNgwiJ suggest:s@Jest behalf:behaf mr:mist@
dr:dokt@ st:strEt whether:weD@ closed:klOzd close:klOz answers:ans@z interest:intrest interested:intrestid
general:Jenral several:sevral favourite:fAvrit restaurant:restront library:lIbrerE figure:fig@ manager:manaJ@
budget:buJit budgets:buJits john:Jon aisle:Il schedule:skeJUl scheduled:skeJUld b:bE c:sE d:dE f:ef
g:JE j:JA k:kA l:el m:em n:en o:O p:pE q:kyU r:or s:es t:tE u:yU v:vE x:eks y:wI e:E h:AC w:dublyU z:zed
"""
_RULES = """
^kn>n ^gn>n ^wr>r ^ps>s ^wh>w ^rh>r ^x>z ^ex>iks ^y>y ^u(?=s[aei]|ni[oqtv]|ti)>yU
augh(?=t)>o ough(?=t)>o ough>O eigh>A aigh>A igh>I
tch>C dge>J ssion>S@n tion>S@n sion>Z@n cian>S@n cial>S@l tial>S@l cious>S@s tious>S@s ture(?=s?$)>C@ sure(?=s?$)>Z@
nge(?=[sd]?$)>nJ ther(?=s?$)>D@ iew>yU wor(?=[kdlstm])>w@
fy$>fI fie(?=[sd]$)>fI ign(?=(?:s|ed|ing|er|ment)?$)>In
sch>sk ck>k qu>kw ph>f th>T sh>S ch>C gh> ng(?=[aeiouy])>Ng ng>N nk>Nk mb(?=s?$)>m mn$>m wr>r bt$>t
cc(?=[eiy])>ks c(?=[eiy])>s g(?=[eiy](?!t|r|f))>J
eous>@s ious>@s ous(?=(?:ly)?$)>@s
air>er ear(?=n|ch)>@ ear>Er eer>Er ier>Er oor>or our>Wr oar>or ore(?=s?$)>or are(?=s?$)>er ire>Ir ure(?=s?$)>Ur
er(?=s?$)>@ (?<=...)or(?=s?$)>@ (?<=...)ar(?=s?$)>@ ar(?=s?$)>or er(?![aeiouy])>@ ir(?![aeiouy])>@ ur(?![aeiouy])>@
ar(?![aeiouy])>or or(?![aeiouy])>or
ee>E ea>E (?<=...)ie(?=[sd]$)>E ie(?=[sd]?$)>I ie>E ei>E ey(?=s?$)>E oa>O oe(?=s?$)>O oo>U
ou>W ow(?=s?$|n$|ed$|ing$)>O ow>W oi>Y oy>Y ai>A ay>A au>o aw>o ew>U ue(?=[sd]?$)>U ui>U eu>U ia>E@ io>E@
al(?=l(?:s|ed|ing)?$|k)>o (?<=...)age(?=s?$)>iJ
a(?=[bcdfgklmnpstvz]es?$|[bcdfgklmnptvz](?:ed$|ing)|ste|nge)>A
i(?=[bcdfgklmnpstvz]es?$|[bcdfgklmnptvz](?:ed$|ing)|nd$|ld$|gn$)>I
o(?=[bcdfgklmnpstvz]es?$|[bcdfgklmnptvz](?:ed$|ing)|ld|st$|ll$)>O
u(?=[bcdfgklmnpstvz]es?$)>U e(?=[tms]es?$)>E y(?=[plmn]es?$)>I
le$>l les$>lz led$>ld
(?<=^[^aeiouy])ed$>ed (?<=^[^aeiouy]{2})ed$>ed (?<=[td])ed$>id (?<=[pkfsxch])ed$>t ed$>d
(?<=[sxzcg])es$>iz (?<=[cs]h)es$>iz (?<=..[^aeiou])es$>z (?<=[ptkf])s$>s (?<=[^s])s$>z
(?<=^[^aeiouy])e$>E (?<=^[^aeiouy]{2})e$>E (?<=.)e$>
(?<=[aeou])h+$> o(?=s?$)>O (?<=^[^aeiouy])(?:[iy]|ye)$>I (?<=^[^aeiouy]{2})y$>I y$>E i$>E a$>@
y>i x>ks j>J c>k q>k (?<=.)w$>
"""
_KNOWN = dict(entry.split(":") for entry in _EXCEPTIONS.split())
_PAIRS = [tuple(rule.split(">")) for rule in _RULES.split()]
_PHONEMES = tuple(phonemes for _, phonemes in _PAIRS)
_RULE = re.compile("|".join(f"({letters})" for letters, _ in _PAIRS) + "|[a-z]")
_VOWELS = frozenset("aeiouAEIOUWY@")
_VOWEL_LETTERS = frozenset("aeiouy")
_OUTLINE = str.maketrans(
    {"b": "p", "d": "t", "D": "t", "g": "k", "v": "f", "T": "f", "z": "s", "Z": "S", "J": "C", "m": "n", "N": "n"}
    | dict.fromkeys(_VOWELS, "1")
)
_COLOUR = str.maketrans(dict.fromkeys("iEeAI", "i") | dict.fromkeys("oOUWY", "o") | dict.fromkeys("au@", "a"))
_OUTLINE_CONSONANTS = {letter: kind for letter, kind in _OUTLINE.items() if chr(letter) not in _VOWELS}
_SILENT = re.compile(r"(?<=1)r(?!1)|1+(?=1)")


@lru_cache(maxsize=16_384)
def phonemes(word: str) -> str:
    """The sounds of a lower-case English word of letters a to z; empty for any other text."""
    known = _KNOWN.get(word)
    if known is not None:
        return known
    if not (word.isascii() and word.isalpha()):
        return ""
    if _VOWEL_LETTERS.isdisjoint(word):
        return "".join(_KNOWN[letter] for letter in word)  # "pm" and "tv" are spelled out
    sounds = ""
    for found in _RULE.finditer(word):
        sound = found.group() if found.lastindex is None else _PHONEMES[found.lastindex - 1]
        if sound and sounds and sounds[-1] == sound[0] and sound[0] not in _VOWELS:
            sound = sound[1:]
        sounds += sound
    return sounds


def worn(shape: str) -> str:
    """An outline without a weak consonant at its end, which gets lost or is heard where there is none."""
    return shape[:-1] if shape[-1:] in ("t", "s") and len(shape) > 2 else shape


def outlines_near(shape: str) -> tuple[str, ...]:
    """The worn outlines of words that one of this outline is taken for: its own, and with an n or l more or less.

    These get lost after the only vowel ("my" and "mine", not "fifty" and "fifteen"), but unlike t and s they are not
    taken for each other.
    """
    return (worn(shape), *_longer(shape), *((shape[:-1],) if shape in _longer(shape[:-1]) else ()))


def _longer(shape: str) -> tuple[str, ...]:
    return (shape + "n", shape + "l") if shape.find("1") == len(shape) - 1 > 0 else ()


def steps(one: str, other: str) -> float:
    """How far two words are from each other by their sounds, from 0 for the same.

    Half a step for any sound that differs, half a step more for a vowel of another colour (front, back or open), and
    one and a half more for a consonant of another kind, except for a weak one at the end.
    """
    found = (Levenshtein.distance(one, other) + Levenshtein.distance(_coloured(one), _coloured(other))) / 2
    shape, other_shape = outline(one), outline(other)
    alike = worn(shape) == worn(other_shape) or shape in _longer(other_shape) or other_shape in _longer(shape)
    return found if alike else found + Levenshtein.distance(shape, other_shape)


def _coloured(sounds: str) -> str:
    return sounds.translate(_OUTLINE_CONSONANTS).translate(_COLOUR)


def outline(sounds: str) -> str:
    """What two words that are taken for each other have in common: kinds of consonants, and where vowels are."""
    return _SILENT.sub("", sounds.translate(_OUTLINE))
