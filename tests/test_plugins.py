"""Plugins: found by entry points, loaded by name; errors name the package at fault."""

import json
import pickle
import sys
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from leadlife import ActivityRecorded, Journey, Playbook, Points, QualificationRule
from leadlife import plugins as plugins_module
from leadlife.cli import main
from leadlife.criteria import score
from leadlife.errors import PluginError, PolicyError, UnknownName
from leadlife.facts import RuleFailed
from leadlife.io import read_with
from leadlife.io.playbook_files import as_playbook, dump_playbook, parse_json
from leadlife.plugins import (
    PluginGroup,
    PolicyPlugins,
    find_policy,
    find_preset,
    find_reader,
    plugin,
    plugins,
)
from leadlife.presets import eight_stage, mql_pql_sql
from stories import T0, at

MODULE = """
from leadlife import Points
from leadlife.presets import eight_stage
points = Points(name="points", start=3)
class Busy:
    name, version = "busy", "4"
    def score(self, lead, activities, *, at):
        if len(activities) == 2:
            raise ZeroDivisionError
        return float(len(activities))
busy = Busy()
def nan(lead, activities, *, at):
    return float("nan")
def book():
    return eight_stage().replace(id="theirs")
def wrong():
    return 7
def raising(*given):
    raise OSError("no disk")
def leaving(*given):
    raise SystemExit(3)
def asking(size):
    return size
class Moody:
    name = "moody"
    def score(self, lead, activities, *, at):
        return 1
    @property
    def version(self):
        raise OSError("no disk")
moody = Moody()
class Hidden:
    @property
    def score(self):
        raise OSError("no disk")
hidden = Hidden()
class Numbered(Busy):
    name = 7
numbered = Numbered()
class Unnamable(Busy):
    name = "no|such|name"
unnamable = Unnamable()
number = 7
"""


class Dist(Distribution):
    def __init__(self, name):
        self._name = name

    def read_text(self, filename):
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: 1.2\n" if filename == "METADATA" else None

    def locate_file(self, path):
        return path


@pytest.fixture
def install(tmp_path, monkeypatch):
    (tmp_path / "theirs_for_tests.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("theirs_for_tests", None)
    points = []

    def add(group, name, target, package="theirs"):
        point = EntryPoint(name, target, group.value)
        points.append(point._for(Dist(package)) if package else point)

    monkeypatch.setattr(plugins_module, "entry_points", lambda group: [one for one in points if one.group == group])
    return add


def test_installed_plugins_are_listed_and_not_loaded(install, capsys):
    install(PluginGroup.PRESETS, "theirs", "theirs_for_tests:book")
    install(PluginGroup.POLICIES, "gone", "not_there:policy")
    listed = plugins()
    assert [(one.group, one.name, one.package, one.version) for one in listed] == [
        (PluginGroup.POLICIES, "gone", "theirs", "1.2"),
        (PluginGroup.PRESETS, "theirs", "theirs", "1.2"),
    ]
    assert "theirs_for_tests" not in sys.modules
    assert plugins("leadlife.presets") == listed[1:]
    assert main(["plugins"]) == 0
    assert "presets theirs (theirs 1.2: theirs_for_tests:book)" in capsys.readouterr().out
    assert main(["plugins", "--load"]) == 1
    assert "cannot be loaded: ModuleNotFoundError" in capsys.readouterr().out
    assert main(["plugins", "--json", "--load"]) == 1
    rows = json.loads(capsys.readouterr().out)["plugins"]
    assert ["broken" in row and bool(row["broken"]) for row in rows] == [True, False]
    with pytest.raises(UnknownName, match="did you mean 'leadlife.presets'"):
        plugins("leadlife.preset")


def test_an_empty_list_is_reported(install, capsys):
    assert plugins() == ()
    assert main(["plugins"]) == 0
    assert "no installed package provides" in capsys.readouterr().out


def test_a_preset_of_another_package_is_drawn_and_checked_by_its_name(install, capsys):
    install(PluginGroup.PRESETS, "theirs", "theirs_for_tests:book")
    install(PluginGroup.PRESETS, "constant", "theirs_for_tests:number")
    assert find_preset("theirs").id == "theirs"
    assert find_preset("eight_stage") is eight_stage()
    assert main(["draw", "theirs"]) == 0
    assert main(["check", "their"]) == 2
    assert "did you mean 'theirs'" in capsys.readouterr().err
    with pytest.raises(UnknownName, match="no preset"):
        find_preset("nothing like it")


def test_a_policy_of_another_package_scores_and_its_errors_name_the_package(install):
    install(PluginGroup.POLICIES, "busy", "theirs_for_tests:busy")
    install(PluginGroup.POLICIES, "points", "theirs_for_tests:points")
    assert isinstance(find_policy("points"), Points)
    busy = find_policy("busy")
    assert (busy.name, busy.version) == ("busy", "4")
    keen = QualificationRule(name="keen", enter=score("busy") >= 1)
    ada = Journey.start("ada", mql_pql_sql().with_score(busy).with_qualifications(keen), at=T0)
    ada = ada.record(ActivityRecorded(kind="call", at=at(1)))
    assert "keen" in ada.qualifications
    failed_once = ada.record(ActivityRecorded(kind="call", at=at(2)))
    assert failed_once.version == 3
    assert "keen" in failed_once.qualifications
    [failed] = [fact for fact in failed_once.derived if isinstance(fact, RuleFailed)]
    assert "of package theirs 1.2 raised ZeroDivisionError" in failed.message
    with pytest.raises(PolicyError, match="of package theirs"):
        failed_once.score("busy", at=at(2))


def test_an_answer_that_is_not_a_number_is_a_kept_fact(install):
    install(PluginGroup.POLICIES, "nan", "theirs_for_tests:nan")
    keen = QualificationRule(name="keen", enter=score("nan") >= 1)
    ada = Journey.start("ada", mql_pql_sql().with_score(find_policy("nan")).with_qualifications(keen), at=T0)
    assert ada.version == 1
    assert [fact.rule for fact in ada.derived if isinstance(fact, RuleFailed)] == ["keen"]


def test_a_file_names_a_policy_and_loading_binds_it(install):
    install(PluginGroup.POLICIES, "busy", "theirs_for_tests:busy")
    book = eight_stage().with_score(find_policy("busy"))
    text = dump_playbook(book)
    again = as_playbook(parse_json(text), policies=PolicyPlugins({"mine": len}))
    assert again == book.replace(scores=again.scores)
    ada = Journey.start("ada", again, at=T0).record(ActivityRecorded(kind="call", at=at(1)))
    assert ada.score("busy", at=at(1)).value == 1
    assert set(PolicyPlugins({"mine": len})) == {"mine", "busy"}
    assert PolicyPlugins({"mine": len})["mine"] is len
    assert len(PolicyPlugins()) == 1
    assert "nobody" not in PolicyPlugins()


@pytest.mark.parametrize(
    ("group", "target", "finder", "message"),
    [
        (PluginGroup.POLICIES, "not_there:policy", find_policy, "cannot be loaded: ModuleNotFoundError"),
        (PluginGroup.POLICIES, "theirs_for_tests:nothing", find_policy, "cannot be loaded: AttributeError"),
        (
            PluginGroup.POLICIES,
            "theirs_for_tests:number",
            find_policy,
            r"int 7 cannot be called; it must have the form def score\(lead, activities, \*, at\)",
        ),
        (PluginGroup.POLICIES, "theirs_for_tests:Busy", find_policy, "it is a class.*point to an object"),
        (PluginGroup.POLICIES, "theirs_for_tests:wrong", find_policy, "too many positional.*change its parameters"),
        (PluginGroup.POLICIES, "theirs_for_tests:moody", find_policy, "reading its version raised OSError: no disk"),
        (PluginGroup.POLICIES, "theirs_for_tests:hidden", find_policy, "reading its score raised OSError"),
        (PluginGroup.POLICIES, "theirs_for_tests:numbered", find_policy, "its name is not text, but int"),
        (PluginGroup.POLICIES, "theirs_for_tests:unnamable", find_policy, "it is not a policy: "),
        (PluginGroup.POLICIES, "no module here", find_policy, 'its target is malformed.*declare it as "module:name"'),
        (PluginGroup.PRESETS, "theirs_for_tests:asking", find_preset, "form def preset.*missing a required argument"),
        (PluginGroup.READERS, "theirs_for_tests:wrong", find_reader, "form def reader.*too many positional"),
        (PluginGroup.PRESETS, "theirs_for_tests:wrong", find_preset, "must give a Playbook, but gave int"),
        (PluginGroup.PRESETS, "theirs_for_tests:number", find_preset, "must give a Playbook, but gave int"),
        (PluginGroup.PRESETS, "theirs_for_tests:raising", find_preset, "raised OSError: no disk"),
        (PluginGroup.PRESETS, "theirs_for_tests:leaving", find_preset, "raised SystemExit: 3"),
        (PluginGroup.READERS, "theirs_for_tests:number", find_reader, "int 7 cannot be called"),
    ],
)
def test_a_broken_plugin_names_its_package(install, group, target, finder, message):
    install(group, "it", target)
    with pytest.raises(PluginError, match=message) as error:
        finder("it")
    assert error.value.package == "theirs"
    assert error.value.to_dict()["details"] == {"package": "theirs"}
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


def test_readers_that_fail_are_reported(install, tmp_path, capsys):
    install(PluginGroup.READERS, "broken", "theirs_for_tests:raising")
    install(PluginGroup.READERS, "wrong", "builtins:str")
    install(PluginGroup.READERS, "refusing", "leadlife.io:load_mapping")
    with pytest.raises(PluginError, match="raised OSError"):
        read_with("broken", tmp_path)
    with pytest.raises(PluginError, match="must return an Export, but returned str"):
        read_with("wrong", tmp_path)
    assert main(["funnel", str(tmp_path / "none"), "--reader", "refusing"]) == 2
    assert main(["funnel", str(tmp_path), "--reader", "nobody"]) == 1
    assert "no installed package provides leadlife.readers 'nobody'" in capsys.readouterr().err


def test_a_reader_of_another_package_reads(install, monkeypatch, capsys):
    acme = Path(__file__).parents[1] / "examples/acme_plugin"
    monkeypatch.syspath_prepend(acme / "src")
    install(PluginGroup.READERS, "acme_crm", "acme_leadlife:read")
    assert len(read_with("acme_crm", acme / "tests/export").journeys) == 3
    assert main(["funnel", str(acme / "tests/export"), "--reader", "acme_crm"]) == 0
    assert "1 set aside" in capsys.readouterr().out


def test_two_packages_with_one_name_are_refused(install):
    install(PluginGroup.PRESETS, "same", "theirs_for_tests:book")
    install(PluginGroup.PRESETS, "same", "theirs_for_tests:book", "others")
    with pytest.raises(PluginError, match="others and theirs both provide"):
        find_preset("same")
    install(PluginGroup.POLICIES, "stray", "theirs_for_tests:busy", None)
    assert plugin(PluginGroup.POLICIES, "stray").package == "an unknown package"


def test_preset_plugins_of_this_environment_are_playbooks():
    for one in plugins(PluginGroup.PRESETS):
        assert isinstance(find_preset(one.name), Playbook)


def test_a_preset_that_is_never_found_says_so(install, capsys):
    install(PluginGroup.PRESETS, "eight_stage", "theirs_for_tests:preset")
    assert main(["plugins", "--load"]) == 1
    assert "a preset of leadlife has this name" in capsys.readouterr().out
    with pytest.raises(UnknownName) as error:
        find_preset("eightstage")
    assert str(error.value).count("eight_stage'") == 1
