"""Draw the floors of the package, with the imports between its rooms, from the code.

The picture in docs/architecture.md is made anew whenever the pages are built.
"""

import ast
import textwrap
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skmae"
# What the modules of a floor that are in no folder are together.
LOOSE = {"_compat": "ground", "_base": "shared base"}
WIDTH, MARGIN, GAP = 960, 16, 28
LINE, PADDING, TITLE = 15, 10, 20
CHARACTER = 6.4  # width of one, at the size of the files' names


def read_floors():
    """Floors from the ground up, as the test that holds them has them."""
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "FLOORS":
            return ast.literal_eval(node.value)
    raise ValueError("tests/test_floors.py has no FLOORS")


def rooms_of(floor):
    """Rooms of a floor: {name: prefixes or modules}."""
    rooms = {member[:-1]: [member] for member in floor if member.endswith(".")}
    loose = [member for member in floor if not member.endswith(".")]
    if loose:
        name = next((LOOSE[m] for m in loose if m in LOOSE), loose[0])
        rooms[name] = loose
    return rooms


def module_name(path):
    """Name of a module within the package."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported_by(path):
    """Names of the package's modules that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("skmae."):
            yield node.module.partition(".")[2]


def survey(floors):
    """Modules of each room, and the rooms that each of them imports."""
    room_of = {}
    for floor in floors:
        for room, members in rooms_of(floor).items():
            room_of |= dict.fromkeys(members, room)

    def find(module):
        folder = module.partition(".")[0] + "."
        return room_of[folder if folder in room_of else module]

    modules, imports = {}, {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = module_name(path)
        if name == "__init__":
            continue
        room = find(name)
        imports.setdefault(room, set()).update(
            find(other) for other in imported_by(path)
        )
        if not name.endswith("__init__"):
            modules.setdefault(room, []).append(name.rpartition(".")[2])
    return modules, {room: others - {room} for room, others in imports.items()}


def without_shortcuts(imports):
    """Leave out imports of a room that another imported room stands on anyway."""

    def reached(room):
        found = set(imports.get(room, ()))
        for other in imports.get(room, ()):
            found |= reached(other)
        return found

    return {
        room: {o for o in others if not any(o in reached(via) for via in others)}
        for room, others in imports.items()
    }


def draw(floors, modules, imports):
    """Lay rooms out floor by floor, the ground at the bottom: SVG text."""
    boxes, y = {}, MARGIN
    for floor in reversed(floors):
        rooms = [room for room in rooms_of(floor) if room in modules]
        if not rooms:
            continue
        # As wide as there are names, but none too narrow for its title.
        sizes = [max(sum(map(len, modules[room])), 60) for room in rooms]
        room_for_boxes = WIDTH - 2 * MARGIN - (len(rooms) - 1) * GAP
        lines, x = {}, MARGIN
        for room, size in zip(rooms, sizes, strict=True):
            width = room_for_boxes * size / sum(sizes)
            n_characters = int((width - 2 * PADDING) / CHARACTER)
            lines[room] = textwrap.wrap(" · ".join(modules[room]), n_characters)
            boxes[room] = [x, y, width, lines[room]]
            x += width + GAP
        height = TITLE + 2 * PADDING + LINE * max(map(len, lines.values()))
        for room in rooms:
            boxes[room].append(height)
        y += height + 2 * GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y - GAP}" '
        'font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#666"/>'
        "</marker></defs>",
        f'<rect width="{WIDTH}" height="{y - GAP}" fill="white"/>',
    ]
    parts += [box(room, *place) for room, place in boxes.items()]
    parts += [
        arrow(boxes[room], boxes[other])
        for room, others in sorted(imports.items())
        for other in sorted(others)
    ]
    return "\n".join([*parts, "</svg>", ""])


def arrow(start, end):
    """From a room to one that it imports."""
    x, y, width, _, height = start
    to_x, to_y, to_width, _, _ = end
    if y == to_y:  # neighbours
        left = x > to_x
        ends = (x, to_x + to_width) if left else (x + width, to_x)
        middle = y + height / 2
        points = f"M{ends[0]:.0f},{middle:.0f} L{ends[1]:.0f},{middle:.0f}"
        height = to_y - y
    else:
        centre = min(max(x + width / 2, to_x + 20), to_x + to_width - 20)
        points = f"M{x + width / 2:.0f},{y + height:.0f} L{centre:.0f},{to_y:.0f}"
    # Past the rooms of a floor between them.
    passes = abs(to_y - y - height) > 2 * GAP
    dashes = ' stroke-dasharray="3 4"' if passes else ""
    return (
        f'<path d="{points}" stroke="#666" fill="none"{dashes} marker-end="url(#tip)"/>'
    )


def box(name, x, y, width, lines, height):
    """One room: its name and its modules."""
    left = f'x="{x + PADDING:.0f}"'
    text = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" '
        'rx="6" fill="#eef3f8" stroke="#4878a8"/>',
        f'<text {left} y="{y + PADDING + 10:.0f}" font-size="14" '
        f'font-weight="bold" fill="#223">{escape(name)}</text>',
    ]
    for k, line in enumerate(lines):
        below = y + TITLE + PADDING + 6 + LINE * k
        text.append(
            f'<text {left} y="{below:.0f}" font-size="11.5" fill="#334">'
            f"{escape(line)}</text>"
        )
    return "\n".join(text)


def write(path):
    """Write the picture, if it is another one."""
    floors = read_floors()
    modules, imports = survey(floors)
    text = draw(floors, modules, without_shortcuts(imports))
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    write(Path(__file__).parent / "_static" / "floor_plan.svg")
