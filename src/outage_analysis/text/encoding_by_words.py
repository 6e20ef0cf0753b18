"""Find the encoding of a text by its words, or refuse to guess.

In Korean, Chinese and Japanese text, many characters are common ones; in another encoding, the same bytes are
rare characters. In European text, bytes above 127 are the letters of one language inside words of Latin
letters, or marks at places where such marks occur. If two readings are as good and differ, nothing in the
bytes says which is meant.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from itertools import islice
from pathlib import Path

from outage_analysis.errors import InputRefused
from outage_analysis.text.damaged_text import STATE_ENCODING, LineCounts, byte_lines, is_decodable

KNOWN_ENCODINGS = (
    *("utf-8", "utf-16", "cp949", "cp932", "gbk", "big5"),
    *("cp1252", "cp1250", "iso-8859-15", "iso-8859-2"),
)
"""The encodings that can be stated."""
SUPERSETS = {
    "ascii": "utf-8",
    "utf-8-sig": "utf-8",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "gb2312": "gbk",
    "iso8859-1": "cp1252",
}
"""Encoding in Python -> the known encoding that contains all its characters."""
COMMON_HANGUL = frozenset(
    "이다니지수는에가을의만기로없습자서은용하정시음사일스인카상한비대를고원위할오보신실액금리값합억입표있"
    "구트어간으않건개제그과전파모아계공료함터해중요부현톡된나도되손소치장데안여문목분작션단급행형드적블면"
    "크세력산월마성최경체름확선접업들버청포프예별바열테당미항연반명조준호거번내록두못화추률결유주레변라우"
    "야며초년약설었운메더식발무재알출와총범동집잘복임처려른러색환균패든평했때배옵았디너류것차율줄받까게증"
    "럼키애방택필같후관십칼령코베점속페법래백영감타매림태검본읽능회피진티절각종젯막천저규쪽론날텍렉권역클"
    "근또외됨쓰커심릴닙언덱순플불콘울교끝통참브향글새높토앙격객측꾸직찾따템축랜채잭짜퍼생널누멜께램렬창롤"
    "됩져많셀므길쿼올칙례삭맞르낮넘될님움캐뉴람큰독편째딩립활룹양달남린쓸슬등견허꼴뷰루족꿀뒤픽눈탭살링책"
    "앞히투망말완머충첫케뱅늘둘국압엔밀쇄노돌밖효볼곡민석잠롯왼먼헤취핑난락벗힌숫네침슈김틀릅폴듈및폰벤춤"
    "즈곱졌물켓존뜀암쿠컨얼떤담판워셋앱붙광강북팡삼엘박윤황송홍곽엄염왕옥육맹탁혜숙희철웅훈섭빈쌍뚝섬쿡봇"
    "갤럭샵몰숍쇼웹툰겐닥덕댓콜킬팟팜펀핀핫헬훔흥힘깃꽃닭떡똑맥멀멍묘밤밥벌벽봄빛뼈쁘샘쇠숨쉬슴승싶쌀썰쏘"
    "쓴앗앤얘엠옆왔욕웃윗잎젊좋죽짝짱쭉찌찍척칠캠컬켜콩킹탈턴턱톤튼틴팔펜폐폭푸푹풀햄헌험혼획횟흐흔"
)
"""Korean syllables that make up more than 95 percent of most texts."""
COMMON_HANZI = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后"
    "小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
    "知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最"
    "间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市"
    "眼体别处总才场师书比住员九通性目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或"
    "司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认"
    "算论百吃义科怎元社术结六功指思非流每青管夫连远资队带花快条院变联言权往展该领传近留红治决周保达办运武"
    "半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党持取设始版"
    "双历越史商千片容研像找友孩站广改议形委早房音火际则首单据影失拿网香似斯专石若校读志飞观争究组造视喜离"
    "坏费户客投诉损编号类型额络断州津港湾岛消故障赔偿标列置器符示存值选效项否库显须录函参复输查未图序模引"
    "错索操配称码误除支创超格限包换删允启级执束集默段含键败备需页预签规调按线检"
)
"""Chinese characters that make up more than 80 percent of most texts."""
KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
COMMON_CHARACTERS = {"cp949": COMMON_HANGUL, "gbk": COMMON_HANZI, "cp932": KANA}
"""Encoding -> the characters that are common in its language."""
WESTERN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ"
CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
ALPHABETS = {
    "cp1252": (WESTERN, WESTERN.replace("ø", "šž")),
    "iso-8859-15": (WESTERN, WESTERN.replace("ø", "šž")),
    "cp1250": CENTRAL,
}
"""Encoding -> for each alphabet, its letters besides a to z. No Western alphabet here has ø beside š and ž:
these occur together only in Czech text that is read in the wrong encoding."""
LETTERS = "A-Za-zÀ-ÖØ-öø-ž"
SIGNS = "°·´±×÷µ©®™†‡¬€£¥¢¹²³½¼¾ªº‰"  # noqa: RUF001 - signs of Windows-1252
MARKS = (
    r"[\0-\x7f\xa0\xad–—‘’“”„‚«»‹›…•§]"  # noqa: RUF001 - marks of Windows-1252
    rf"|[{SIGNS[:13]}](?![{SIGNS}])|[{SIGNS[13:]}](?![{SIGNS}{LETTERS}])|(?<!\w)[¿¡](?=\w)"
)
"""Pattern of ASCII, and of marks at the places where they occur: no currency stands before a letter."""
SINGLE_LETTERS = frozenset("àáâäåéèêíóòôöúùüÀÁÄÅÉÈÍÓÖÚÜ")
"""Words of one letter."""
LEAST_SHARE = 0.2
"""Least share of common characters in a text of an Asian language."""
WELL_READ = 0.98
"""Least share of words that must fit one alphabet if a text is in a European encoding."""
MOST_WORDS = 1_000_000
"""Most words with bytes above 127 that are looked at."""
NOT_ASCII = re.compile(rb"[0-9@-\xff]*[\x80-\xff][0-9@-\xff]*")
"""Pattern of a word with bytes above 127. Other bytes are no part of a longer character in any encoding."""

UTF_8_BY_CHANCE = re.compile(rb"(?:[\xc4-\xc8][\x80-\xbf]|[0-9])+")
"""Pattern of Korean syllables such as 카 in CP949, whose bytes are a rare letter in UTF-8."""


def known_encoding(name: str) -> str:
    """Return the known encoding that a name stands for: cp949 for EUC-KR.

    Raises:
        ValueError: the name stands for no known encoding.

    Example:
        >>> known_encoding("Shift-JIS"), known_encoding("windows-1252"), known_encoding("euc-kr")
        ('cp932', 'cp1252', 'cp949')
    """
    names = {codecs.lookup(known).name: known for known in KNOWN_ENCODINGS} | SUPERSETS
    try:
        return names[codecs.lookup(name).name]
    except (LookupError, ValueError):
        remedy = f"Known: {', '.join(KNOWN_ENCODINGS)}."
        raise ValueError(f"{name!r} is no known encoding | {remedy}") from None


def encoding_by_words(path: Path, name: str) -> str | None:
    """Return the encoding of a file that is not valid UTF-8, judged by its words.

    Args:
        path: the file.
        name: the name of the file in error messages.

    Returns:
        The encoding; None if most words are UTF-8, or if the words are read well in no encoding.

    Raises:
        InputRefused: the words may be in several encodings, which differ in some word.
    """
    found = (word for line in byte_lines(path, name) for word in NOT_ASCII.findall(line))
    words = Counter(islice(found, MOST_WORDS))
    utf_8 = [n for w, n in words.items() if is_decodable(w, "utf-8") and not UTF_8_BY_CHANCE.fullmatch(w)]
    if 2 * sum(utf_8) >= words.total():
        return None
    shares = {encoding: _common_share(words, encoding) for encoding in COMMON_CHARACTERS}
    shares |= {encoding: float(_is_well_read(words, encoding)) for encoding in ALPHABETS}
    least = max(LEAST_SHARE, max(shares.values()) / 2)
    likely = [encoding for encoding, share in shares.items() if share > least]
    if not likely and LineCounts.of_file(path, name).encoding() == "cp949":
        likely = [encoding for encoding in COMMON_CHARACTERS if is_decodable(b" ".join(words), encoding)]
        if len(likely) <= 1:
            problem = "is not UTF-8, and can be read well in no known encoding"
            raise InputRefused(problem, file=name, remedy=STATE_ENCODING.format(KNOWN_ENCODINGS[-1]))
    readings = {encoding: [word.decode(encoding, "replace") for word in words] for encoding in likely}
    if any(reading != readings[likely[0]] for reading in readings.values()):
        raise InputRefused(
            f"may be in {', '.join(likely[:-1])} or {likely[-1]}, which read it differently",
            file=name,
            remedy=STATE_ENCODING.format(likely[0]),
        )
    return likely[0] if likely else None


def _common_share(words: Counter[bytes], encoding: str) -> float:
    """Return the share of common characters in the different words, apart from ASCII and marks."""
    text = b" ".join(words).decode(encoding, "replace")
    letters = [c for c in text if not c.isascii() and (c.isalpha() or c == "\ufffd")]
    return sum(c in COMMON_CHARACTERS[encoding] for c in letters) / max(1, len(letters))


def _is_well_read(words: Counter[bytes], encoding: str) -> bool:
    """Return whether almost all words fit one alphabet of an encoding."""
    for alphabet in ALPHABETS[encoding]:
        pattern = re.compile(
            rf"(?:{MARKS}|(?<!\d)[{alphabet}](?!\d)|(?<![\da-zß-öø-ÿ])[{alphabet.upper()}](?!\d))*"
        )
        well = sum(n for word, n in words.items() if _fits(word.decode(encoding, "replace"), pattern))
        if well >= WELL_READ * words.total():
            return True
    return False


def _fits(text: str, pattern: re.Pattern[str]) -> bool:
    # Letters of an alphabet stand in words with Latin letters; two bytes of Korean seldom do.
    found = re.findall(rf"[{LETTERS}]+", text)
    return bool(pattern.fullmatch(text)) and all(
        word in SINGLE_LETTERS or re.search("[A-Za-z]", word) for word in found
    )
