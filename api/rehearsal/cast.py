"""The invented people of a rehearsal: a name for every alias, drawn from the seed. No entry holds a name."""

from collections.abc import Iterable

from api.rehearsal.driver import World
from ledger.roll import SEALED_PREFIX

_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎鲁韦昌马苗"
_FIRST = "思明若云春秋立本景怀远晓雨承书砚禾沐青松柏石川江岚星辰安和光启"
_SECOND = "川野禾舟岩溪峰霖涛宁屿澄朗铭钧铮锐恒毅翔然亭桥帆林枫梓楠墨竹"
_OFFICES = {"organiser": "承办人", "registrar": "登记员", "discipline": "纪检监察员"}


def name_of(world: World, alias: str, taken: Iterable[str] = ()) -> str:
    """Return the invented name of an alias: an office's title, or three characters that nobody else has."""
    if alias in _OFFICES:
        return _OFFICES[alias]
    if alias.startswith("sponsor-"):
        programme = world.state.charter.latest.programme
        office = next((one.name for one in programme.offices if one.id == alias.removeprefix("sponsor-")), alias)
        return f"{office}经办人"
    used, turn = set(taken), 0
    while True:
        drawn = bytes.fromhex(world.digest(f"name/{alias}/{turn}"))
        name = "".join(part[drawn[place] % len(part)] for place, part in enumerate((_FAMILY, _FIRST, _SECOND)))
        if name not in used:
            return name
        turn += 1


def cast_of(world: World) -> dict[str, dict[str, str]]:
    """Return everybody on stage by person id: alias and invented name; whoever used a one-time key stays unknown."""
    people: dict[str, dict[str, str]] = {}
    for actor in world.actors.values():
        if actor.person.startswith(SEALED_PREFIX):
            continue
        name = name_of(world, actor.alias, (one["name"] for one in people.values()))
        people[actor.person] = {"alias": actor.alias, "name": name}
    return people
