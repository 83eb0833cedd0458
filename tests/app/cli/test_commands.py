"""Every verb from the outside: exit codes, what is printed, and the files it leaves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from app.core.base import Base, labels_sha256
from app.core.labels import LabelEntry, LabelTable
from app.core.review import CaseState
from app.store import workspace as workspaces
from app.store.decisions import DecisionRecord
from app.store.label_version import VersionInfo
from model.scan_io import read_labels, read_map, read_scan
from tests.app.cli.conftest import CommandLine
from tests.app.controllers.conftest import write_blob_scan


def sentence_of(err: str) -> str:
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


def test_version_and_help_say_research_use_only(gatelens: CommandLine) -> None:
    assert gatelens("--version") == 0
    assert gatelens.out.startswith("gatelens 0.")
    assert gatelens("--help") == 0
    assert "Research use only" in gatelens.out


def test_a_verb_that_does_not_exist_is_a_usage_error(gatelens: CommandLine) -> None:
    assert gatelens("dream") == 2
    assert gatelens("predict") == 2


def test_info_says_what_a_scan_is_and_whether_models_apply(gatelens: CommandLine, scans: Path) -> None:
    assert gatelens("info", scans / "blob_1.nii.gz", "--json") == 0
    facts = json.loads(gatelens.out)["scans"][0]
    assert facts["size_xyz"] == [28, 24, 20]
    assert facts["spacing_mm_xyz"] == pytest.approx([1.5, 1.0, 2.0])
    assert facts["axes_xyz"] == "LPS"
    assert facts["synthetic"] is True
    assert {model["model"] for model in facts["models"]} >= {"phantom-abdomen", "hippocampus-t1"}
    assert gatelens("info", scans / "blob_1.nii.gz") == 0
    assert "28 × 24 × 20 voxels" in gatelens.out


@pytest.mark.parametrize(
    "words",
    [
        ("info", "missing.nii.gz"),
        ("open", "missing.nii.gz"),
        ("predict", "missing.nii.gz", "--model", "phantom-abdomen", "--out", "out"),
        ("predict", "text.nii.gz", "--model", "phantom-abdomen", "--out", "out"),
        ("predict", "text.nii.gz", "--model", "no-such-model", "--out", "out"),
        ("workspace", "list", "empty"),
        ("workspace", "predict", "empty"),
        ("workspace", "new", "W", "--scans", "empty"),
        ("workspace", "export", "empty", "--out", "out"),
        ("workspace", "verify", "empty"),
        ("workspace", "audit", "empty", "--out", "out"),
        ("tour", "empty", "--out", "out"),
        ("open", "empty"),
        ("models", "show", "no-such-model"),
        ("train", "--data", "empty", "--out", "out"),
        ("train", "--data", "missing", "--out", "out"),
        ("evaluate", "--pred", "empty", "--ref", "empty"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence_that_names_it(
    gatelens: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.nii.gz").write_text("not a scan")
    assert gatelens(*words) == 1
    sentence = sentence_of(gatelens.err)
    assert any(word.strip("-") in sentence for word in words[1:]), sentence
    assert not (tmp_path / "out").exists()
    assert gatelens.windows == []


def test_predict_writes_labels_probabilities_entropy_and_maps(
    gatelens: CommandLine, scans: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    scan = scans / "blob_1.nii.gz"
    assert gatelens("predict", scan, "--model", tiny_bundle, "--out", out) == 0
    folder = out / "blob_1"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "labels.nii.gz",
        "probability_core.nii.gz",
        "probability_rim.nii.gz",
        "entropy.nii.gz",
        "attention_level2_gate1.nii.gz",
        "prediction.json",
    }
    grid = read_scan(scan).volume.grid
    assert read_labels(folder / "labels.nii.gz").grid.close_to(grid)
    values, slope, coarse = read_map(folder / "attention_level2_gate1.nii.gz")
    assert coarse.spacing == pytest.approx([4 * mm for mm in grid.spacing])
    assert 0 <= values.min() * slope <= values.max() * slope <= 1


def test_a_region_is_in_the_files_own_axes_and_half_open(
    gatelens: CommandLine, scans: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("predict", scans / "blob_1.nii.gz", "--model", tiny_bundle, "--out", out)
    assert gatelens(*words, "--region", "2,20,0,24,4,20") == 0
    labels = read_labels(out / "blob_1" / "labels.nii.gz").labels
    inside = np.zeros(labels.shape, bool)
    inside[4:20, 0:24, 2:20] = True
    assert labels[inside].any()
    assert not labels[~inside].any()
    assert gatelens(*words, "--region", "2,20,0,24,4,99") == 1
    assert "reaches outside" in sentence_of(gatelens.err)


def test_shards_divide_the_scans(
    gatelens: CommandLine, scans: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    for part in (0, 1):
        words = (
            "predict",
            scans,
            "--model",
            tiny_bundle,
            "--out",
            tmp_path / str(part),
            "--shard",
            f"{part}/2",
        )
        assert gatelens(*words) == 0
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["blob_1", "blob_3"]
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["blob_2"]
    assert gatelens("predict", scans, "--model", tiny_bundle, "--out", tmp_path, "--shard", "2/2") == 2


def test_a_workspace_is_made_listed_predicted_and_resumed(
    gatelens: CommandLine, scans: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "W"
    assert gatelens("workspace", "new", folder, "--scans", scans, "--model", tiny_bundle) == 0
    assert gatelens("workspace", "list", folder, "--json") == 0
    listed = json.loads(gatelens.out)
    assert [case["state"] for case in listed["cases"]] == ["new"] * 3
    assert gatelens("workspace", "predict", folder, "--json") == 0
    assert json.loads(gatelens.out) == {"predicted": 3, "already": 0, "refused": []}
    write_blob_scan(scans / "blob_9.nii.gz", 9)
    assert gatelens("workspace", "add", folder, scans) == 0
    assert "1 scan added" in gatelens.out
    assert "3 were there already" in gatelens.out
    assert gatelens("workspace", "predict", folder, "--json") == 0
    assert json.loads(gatelens.out) == {"predicted": 1, "already": 3, "refused": []}
    assert gatelens("workspace", "new", folder, "--scans", scans) == 1
    sentence_of(gatelens.err)


def test_an_export_without_a_read_case_says_so_and_leaves_nothing(
    gatelens: CommandLine, workspace_folder: Path, tmp_path: Path
) -> None:
    assert (
        gatelens("workspace", "export", workspace_folder, "--format", "msd", "--out", tmp_path / "out") == 1
    )
    sentence_of(gatelens.err)
    assert not (tmp_path / "out").exists()


def test_an_export_tells_where_voxels_come_from_if_asked(
    gatelens: CommandLine, workspace_folder: Path, tmp_path: Path
) -> None:
    with workspaces.open(workspace_folder) as workspace:
        row = workspace.reviews.cases()[0]
        grid = read_scan(row.path).volume.grid
        labels = np.ones(grid.shape, np.uint8)
        workspace.add_label_table(LabelTable("t", (LabelEntry(1, "core", (1, 2, 3)),)))
        workspace.reviews.take_table(row.id, "t")
        read = DecisionRecord(CaseState.CORRECTED, "Ann")
        info = VersionInfo("Ann", Base("empty", "", labels_sha256(labels)), decision=read, table_key="t")
        workspace.labels.save(row.id, labels, grid, info)
    words = ("workspace", "export", workspace_folder, "--out")
    assert gatelens(*words, tmp_path / "plain") == 0, gatelens.err
    assert not (tmp_path / "plain" / "provenanceTr").exists()
    assert gatelens(*words, tmp_path / "out", "--provenance") == 0, gatelens.err
    found = read_labels(tmp_path / "out" / "provenanceTr" / f"{row.name}_provenance.nii.gz", grid)
    assert np.unique(found.labels).tolist() == [2]


def test_verify_says_what_it_checked_and_names_a_changed_file(
    gatelens: CommandLine, workspace_folder: Path
) -> None:
    with workspaces.open(workspace_folder) as workspace:
        row = workspace.reviews.cases()[0]
        labels = np.ones(read_scan(row.path).volume.grid.shape, np.uint8)
        base = Base("empty", "", labels_sha256(labels))
        workspace.labels.save(row.id, labels, read_scan(row.path).volume.grid, VersionInfo("Ann", base))
        path = workspace.labels.newest(row.id).path  # type: ignore[union-attr]
        head = workspace.audit.head()
    assert gatelens("workspace", "verify", workspace_folder) == 0
    assert "checked  6 audit rows, 1 version, 0 decisions, 0 models" in gatelens.out
    assert f"head     {head}" in gatelens.out
    assert "Nothing on record was changed." in gatelens.out
    assert gatelens("workspace", "verify", workspace_folder, "--head", head, "--json") == 0
    found = json.loads(gatelens.out)
    assert (found["ok"], found["head"], found["problems"]) == (True, head, [])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\0")
    assert gatelens("workspace", "verify", workspace_folder, "--json") == 1
    assert json.loads(gatelens.out)["ok"] is False
    assert sentence_of(gatelens.err) == json.loads(gatelens.out)["problems"][0]
    assert gatelens("workspace", "verify", workspace_folder) == 1
    assert "1 problem." in gatelens.out
    assert "v0001.nii.gz" in sentence_of(gatelens.err)


def test_the_audit_is_written_with_its_head_last(
    gatelens: CommandLine, workspace_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit.jsonl"
    assert gatelens("workspace", "audit", workspace_folder, "--out", out) == 0
    *rows, last = (json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    assert last == {"head": rows[-1]["hash"], "rows": len(rows)}
    assert last["head"] in gatelens.out
    before = "0" * 64
    for row in rows:
        # Whoever has the file can check the chain without this program.
        kept, previous = row.pop("hash"), row.pop("previous")
        row["case"] = row.pop("case_id")
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert previous == before
        assert kept == hashlib.sha256(previous.encode() + text.encode()).hexdigest()
        before = kept
    assert gatelens("workspace", "audit", workspace_folder) == 0
    assert gatelens.out == out.read_text(encoding="utf-8")
    assert gatelens("workspace", "audit", workspace_folder, "--out", out) == 1
    assert "exists; name a new file" in sentence_of(gatelens.err)
    assert gatelens("workspace", "audit", workspace_folder, "--out", tmp_path / "no" / "audit.jsonl") == 1
    assert "cannot be written" in sentence_of(gatelens.err)


def test_the_window_opens_what_was_asked_for(
    gatelens: CommandLine, workspace_folder: Path, scans: Path
) -> None:
    assert gatelens("open", workspace_folder) == 0
    assert gatelens.windows[-1].workspace == workspace_folder
    assert gatelens("open", scans / "blob_2.nii.gz") == 0
    start = gatelens.windows[-1]
    assert start.workspace is not None
    with workspaces.open(start.workspace) as personal:
        assert personal.kind == "personal"
        assert [row.name for row in personal.reviews.cases() if row.id == start.case_id] == ["blob_2"]
    assert gatelens() == 0
    assert gatelens.windows[-1].workspace is None


def test_phantoms_are_written_with_labels_on_their_grid(gatelens: CommandLine, tmp_path: Path) -> None:
    assert gatelens("phantom", tmp_path / "P", "--count", 1, "--seed", 5) == 0
    scan = read_scan(tmp_path / "P" / "images" / "phantom_5.nii.gz")
    labels = read_labels(tmp_path / "P" / "labels" / "phantom_5.nii.gz", like=scan.volume.grid)
    assert scan.volume.hints.synthetic
    assert scan.volume.hints.modality == "CT"
    assert set(np.unique(labels.labels)) == {0, 1, 2, 3, 4}


def test_models_are_listed_and_shown(gatelens: CommandLine) -> None:
    assert gatelens("models", "list", "--json") == 0, gatelens.err
    names = {model["name"] for model in json.loads(gatelens.out)["models"]}
    assert names == {"hippocampus-t1", "phantom-abdomen"}
    assert gatelens("models", "show", "hippocampus-t1") == 0
    assert "CC BY-SA" in gatelens.out


def test_a_window_without_a_screen_is_one_sentence_and_changes_nothing(
    gatelens: CommandLine, scans: Path, monkeypatch: pytest.MonkeyPatch, gatelens_home: Path
) -> None:
    monkeypatch.setattr("app.controllers.starting.sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for words in ((), ("open", scans / "blob_1.nii.gz"), ("demo",)):
        assert gatelens(*words) == 1
        assert "no screen" in sentence_of(gatelens.err)
    assert gatelens.windows == []
    assert not (gatelens_home / "personal").exists()
    assert not (gatelens_home / "demo").exists()


def test_an_output_that_cannot_be_written_is_one_sentence(gatelens: CommandLine, tmp_path: Path) -> None:
    blocked = tmp_path / "file.txt"
    blocked.write_text("not a folder")
    assert gatelens("phantom", blocked / "out", "--count", "1") == 1
    told = gatelens.err.strip().splitlines()[-1]
    assert str(blocked) in told
    assert "failed inside" not in told
