"""Small layouts as datasets of videos are distributed, of empty files."""

import pathlib

UCF101_CLASSES = ("Archery", "HandstandPushups")
HMDB51_CLASSES = ("brush_hair", "cartwheel")
# As odd as official names are; of each source, one clip of each class.
HMDB51_SOURCES = ("#20_Rhythm", "(Rad)Schlag_die_Bank!", "a;b", "it's")


def touch(folder, names):
    for name in names:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_text(path, lines, ending="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{ending}" for line in lines).encode())


def make_ucf101(folder):
    """Of each class a test group and ten for training, of two clips each."""
    lists, names = folder / "ucfTrainTestlist", {"train": [], "test": []}
    for number, label in enumerate(UCF101_CLASSES, 1):
        for group in range(1, 12):
            stem = f"{label}/v_{label.replace('stand', 'Stand')}_g{group:02d}"
            part = "test" if group == 1 else "train"
            names[part] += [(f"{stem}_c0{k}.avi", number) for k in (1, 2)]
    touch(folder / "UCF-101", [name for x in names.values() for name, _ in x])
    classes = [f"{i} {name}" for i, name in enumerate(UCF101_CLASSES, 1)]
    write_text(lists / "classInd.txt", classes, "\r\n")
    train = [f"{name} {number}" for name, number in names["train"]]
    write_text(lists / "trainlist01.txt", train, "\r\n")
    test = [name for name, _ in names["test"]]
    write_text(lists / "testlist01.txt", test, "\r\n")


def make_hmdb51(folder):
    """Of each class four clips for training, one for the test, one unused."""
    for label in HMDB51_CLASSES:
        lines = {
            f"{source}_{label}_u_nm_np1_ba_goo_{k}.avi": 1
            for k, source in enumerate(HMDB51_SOURCES)
        }
        lines |= {f"Film_{label}_h_cm_np2_fr_med_{k}.avi": k for k in (0, 2)}
        touch(folder / "hmdb51_org" / label, lines)
        write_text(
            folder / f"testTrainMulti_7030_splits/{label}_test_split3.txt",
            [f"{name} {number} " for name, number in lines.items()],
        )


def make_kinetics(folder, labels, num_train=4):
    """Folders train and val as archives give them, and their annotations."""
    for part, count in {"train": num_train, "val": 1}.items():
        rows = [
            (label, f"{part[0]}{i}-{k}", k, k + 10, part)
            for i, label in enumerate(labels)
            for k in range(count)
        ]
        names = [f"{x[1]}_{x[2]:06d}_{x[3]:06d}.mp4" for x in rows]
        touch(folder / part, names)
        lines = [",".join(map(str, row)) for row in rows]
        head = "label,youtube_id,time_start,time_end,split"
        write_text(folder / "annotations" / f"{part}.csv", [head, *lines])
