"""Frames of any content: whatever the types allow, from a seed."""

import msgspec
from msgspec import inspect

from mincer.codec.keys import PARTS_MAX
from mincer.wire import frames, pulls

_SIZE_MAX = 3


class Liar:
    """Makes frames of random content. `known`: what it has overheard, as jobs, tokens
    and names of attempts, by type; half of the time it says one of these."""

    def __init__(self, chance):
        self._chance = chance
        self.jobs = ["0" * 32]
        self.tokens = [b"t" * 16]
        self.attempts = [(0, "map", 0, 0)]
        self.members = 5

    def frame(self, union):
        """One frame of this union."""
        return self._of(inspect.type_info(union))

    def payload(self, union):
        """A frame as it is sent; now and then with a few bytes that are not right."""
        data = bytearray(frames.encode(self.frame(union)))
        if self._chance.random() < 0.1:
            for _ in range(self._chance.randint(1, 4)):
                data[self._chance.randrange(len(data))] = self._chance.randrange(256)
        return bytes(data)

    def pull(self):
        """A message of a pull, or a reply to one."""
        head = self.frame(pulls.Head)
        head = msgspec.structs.replace(head, to=self._chance.randint(0, self.members))
        data = self._chance.randbytes(9) if isinstance(head, pulls.Chunk) else None
        return pulls.write_pull(head, data)

    def _of(self, kind):
        chance = self._chance
        match kind:
            case inspect.UnionType(types=types):
                return self._of(chance.choice(types))
            case inspect.StructType(cls=cls, fields=fields):
                made = {field.name: self._of(field.type) for field in fields}
                return cls(**self._known(made))
            case inspect.NoneType():
                return None
            case inspect.BoolType():
                return chance.random() < 0.5
            case inspect.IntType(ge=low, le=high):
                few = [low or 0, *range(_SIZE_MAX)]
                many = [high, chance.randint(0, high)] if high > PARTS_MAX else []
                return max(low or 0, chance.choice([*few, *many]))
            case inspect.FloatType():
                return chance.choice([0.0, 1.5, 1e12])
            case inspect.StrType(pattern="^[0-9a-f]{32}$"):
                return chance.choice([*self.jobs, f"{chance.randrange(2**128):032x}"])
            case inspect.StrType(min_length=low, max_length=high):
                size = min(high or 9, max(low or 0, chance.randint(0, 9)))
                return "".join(chance.choice("a\x1b\n\u2028é\x00") for _ in range(size))
            case inspect.BytesType(min_length=low, max_length=high):
                return chance.randbytes(chance.choice([low or 0, min(high, 20)]))
            case inspect.LiteralType(values=values):
                return chance.choice(values)
            case inspect.ListType(item_type=item, min_length=low):
                size = max(low or 0, chance.randint(0, _SIZE_MAX))
                return [self._of(item) for _ in range(size)]
            case inspect.TupleType(item_types=items):
                made = tuple(map(self._of, items))
                is_attempt = len(items) == 4 and isinstance(made[1], str)
                return self._one_of(self.attempts, made) if is_attempt else made
            case inspect.DictType(key_type=key, value_type=value):
                return {self._of(key): self._of(value) for _ in range(_SIZE_MAX)}
        raise AssertionError(kind)

    def _known(self, fields):
        if "token" in fields:
            fields["token"] = self._one_of(self.tokens, fields["token"])
        return fields

    def _one_of(self, known, other):
        return self._chance.choice(known) if self._chance.random() < 0.7 else other
