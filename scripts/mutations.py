"""Disable each rule of the resolver and of delivery in turn: a test has to turn red. `make mutations`

A rule is named by the line that keeps it and by what stands there instead. The tree is copied, one line is
changed, and the tests that should notice are run until the first fails. A rule that nothing notices
ends the script with an error, as does a line that is not there any more. Writes a table for
docs/verification.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
PATIENCE_S: Final = 300


class Rule(NamedTuple):
    """A rule, the line that keeps it, what disables it, and where that is noticed."""

    name: str
    file: str
    line: str
    instead: str
    tests: str


CONFLICTS: Final = "p2pchat/core/group/conflicts.py"
AUTHORITY: Final = "p2pchat/core/group/authority.py"
RESOLVER: Final = "p2pchat/core/group/resolver.py"
VIEW: Final = "p2pchat/core/group/view.py"
CORE: Final = "tests/core/group"
SYNC: Final = "tests/core/sync"
SIM: Final = "tests/sim/scenarios/test_04_partition.py"

RULES: Final = (
    # --- who may do what ---
    Rule(
        "an act needs its role",
        AUTHORITY,
        "if role is None or role < needed_role(operation, history.policy(known).invite):",
        "if role is None:",
        CORE,
    ),
    Rule(
        "nobody gives a higher role than his own",
        AUTHORITY,
        "return given <= role and history.role(person, known) is not None",
        "return history.role(person, known) is not None",
        CORE,
    ),
    Rule(
        "only one's own devices act for one",
        AUTHORITY,
        "    if not _is_own_device(history, act, known):",
        "    if False:",
        CORE,
    ),
    Rule(
        "a founder cannot be lowered",
        AUTHORITY,
        "    if person == history.founder and role is Role.OWNER:",
        "    if False:",
        CORE,
    ),
    Rule(
        "the banned cannot be invited",
        AUTHORITY,
        "return history.role(person, known) is None and not history.is_banned(person, known)",
        "return history.role(person, known) is None",
        CORE,
    ),
    Rule(
        "an invitation is for one time",
        AUTHORITY,
        "and not was_removed_since(history, offer.id, join.by, known, by_himself=True)",
        "",
        CORE,
    ),
    Rule("a link expires", AUTHORITY, " or act.sent_ms > link.expires_ms:", ":", CORE),
    Rule(
        "a link has so many uses",
        AUTHORITY,
        "return len(admitted - {admit.person}) < link.max_uses",
        "return True",
        CORE,
    ),
    Rule("a link asks for its secret", AUTHORITY, " or not _has_proof(admit, link.key):", ":", CORE),
    # --- conflicts ---
    Rule(
        "strong removal",
        CONFLICTS,
        "if victim.by == person and (left is None or needed_role(victim, invite) > left):",
        "if False:",
        CORE,
    ),
    Rule(
        "removal beats a gift at the same time",
        CONFLICTS,
        "return left is None and isinstance(victim, GIFTS) and target(victim) == person",
        "return False",
        CORE,
    ),
    Rule(
        "demotion beats promotion at the same time",
        CONFLICTS,
        "return victim.person == person and (left is None or victim.role > left)",
        "return False",
        CORE,
    ),
    Rule(
        "a revoked link admits nobody at the same time",
        CONFLICTS,
        "return isinstance(victim, Admit) and victim.link == link",
        "return False",
        CORE,
    ),
    Rule(
        "a device struck off writes no more",
        CONFLICTS,
        "            return _strikes_off(history, one, other)",
        "            return False",
        CORE,
    ),
    Rule(
        "a confirmed removal shuts out what comes late",
        RESOLVER,
        "        if _is_late(history, number, voiding):",
        "        if False:",
        CORE,
    ),
    Rule(
        "a checkpoint outlives the removal of its author",
        CONFLICTS,
        "if isinstance(victim, Checkpoint) and _knows_removal(history, other, act.by):",
        "if False:",
        CORE,
    ),
    Rule(
        "so many witnesses are needed",
        CONFLICTS,
        "or len({w.by for w in against}) >= quorum",
        "or True",
        CORE,
    ),
    Rule(
        "nobody confirms what he did himself",
        CONFLICTS,
        " and by != graph.acts[removal].operation.by):",
        "):",
        CORE,
    ),
    Rule(
        "removals in a circle all stand",
        RESOLVER,
        "    return circle or undecided[:1]",
        "    return undecided[:1]",
        CORE,
    ),
    Rule(
        "quarrels are settled in rounds",
        RESOLVER,
        "rightful = [n for n in undecided if is_allowed(history, n, surely)]",
        "rightful: list[int] = []",
        CORE,
    ),
    # --- messages ---
    Rule("who may not write is refused", VIEW, "    if not known.may_write(device):", "    if False:", CORE),
    Rule("what a remover had seen stays", VIEW, "    if seq <= end.seen:", "    if False:", CORE),
    Rule(
        "what comes after a final removal is refused",
        VIEW,
        "return Verdict.REFUSED if end.final is not None and seq > end.final else Verdict.FLAGGED",
        "return Verdict.FLAGGED",
        CORE,
    ),
    # --- the log and reconciliation ---
    Rule(
        "an entry waits for what it refers to",
        "p2pchat/core/log/chain.py",
        "        return Missing(missing)",
        "        pass",
        "tests/core/log tests/core/sync",
    ),
    Rule(
        "Lamport times go up",
        "p2pchat/core/log/chain.py",
        "    check_lamport(header.lamport, [stored.lamport for stored in referred.values()])",
        "",
        "tests/core/log",
    ),
    Rule(
        "signatures are checked",
        "p2pchat/core/log/runs.py",
        "                if not _is_signed(entry):",
        "                if False:",
        "tests/core/log tests/core/sync",
    ),
    Rule(
        "a fork is looked for by ranges",
        "p2pchat/core/sync/session.py",
        "now.settled = Settled(has_fork or not now.found_gaps)",
        "now.settled = Settled(False)",
        SYNC,
    ),
    Rule(
        "bodies left out are asked for again",
        "p2pchat/core/sync/session.py",
        "        return State(state.count - len(gaps), state.fingerprint)",
        "        return state",
        SYNC,
    ),
    Rule(
        "what was pushed is acknowledged",
        "p2pchat/node/group_sync.py",
        "                self._sessions[group].held({self._stream.peer: head.seq})",
        "                pass",
        "tests/sim/test_parting.py",
    ),
    Rule(
        "rounds find what pushes missed",
        "p2pchat/node/group_sync.py",
        "                session.start(log)",
        "                pass",
        SIM,
    ),
    # --- delivery in the node ---
    Rule(
        "who is out is told",
        "p2pchat/node/features/group/group_views.py",
        "    if parting is None:",
        "    if True:",
        "tests/sim/test_groups.py::test_who_was_removed_while_away_is_told",
    ),
    Rule(
        "only what he may have is given to who is out",
        "p2pchat/node/features/group/group_views.py",
        "        if seq <= heights[author] and parting.knows(id, knows):",
        "        if False:",
        "tests/sim/test_parting.py",
    ),
    Rule(
        "a new key after a removal",
        "p2pchat/core/ratchet/sender_keys.py",
        "            view != self.view or self.count >= max_messages",
        "            self.count >= max_messages",
        "tests/sim/scenarios/test_05_removed_while_away.py",
    ),
    Rule(
        "newcomers get keys from when they may read",
        "p2pchat/node/features/group/group_messages.py",
        "    if lamport == 0:\n        return session.first_index",
        "    if True:\n        return session.first_index",
        "tests/sim/scenarios/test_24_newcomers.py",
    ),
    Rule(
        "a burst ends before anybody is given its key",
        "p2pchat/node/features/group/group_messages.py",
        "    tx.remember(_BURST, session.group, None)",
        "    pass",
        "tests/node/test_burst_keys.py",
    ),
    Rule(
        "a burst belongs to one session",
        "p2pchat/core/ratchet/bursts.py",
        "return self._session is session and self._count < MAX_BURST",
        "return self._count < MAX_BURST",
        "tests/core/ratchet/test_bursts.py",
    ),
    Rule(
        "messages of a burst count for the change of the key",
        "p2pchat/core/ratchet/bursts.py",
        "        session.count_sealed(plaintext)\n",
        "",
        "tests/core/ratchet/test_bursts.py",
    ),
    Rule(
        "a burst is bound to its group and author",
        "p2pchat/core/ratchet/bursts.py",
        "return megolm.context(group, author, session_id, _MESSAGE)",
        "return megolm.context(GroupId(bytes(32)), DeviceId(bytes(32)), session_id, _MESSAGE)",
        "tests/core/ratchet/test_bursts.py",
    ),
    Rule(
        "only writers are heard",
        "p2pchat/node/features/group/group_log.py",
        "    if not before.may_write(device):",
        "    if False:",
        "tests/sim/test_forks.py",
    ),
    Rule(
        "strangers write no operations",
        "p2pchat/node/features/group/group_log.py",
        "        _check_author(app, tx, group, act)",
        "        pass",
        "tests/node/test_group_strangers.py",
    ),
    Rule(
        "the last pin in order counts",
        "p2pchat/store/registers.py",
        "    if row and (row[0], row[1]) > (entry.header.lamport, entry.id):",
        "    if False:",
        "tests/sim/test_groups.py::test_pins_set_on_both_sides_of_a_partition_end_alike",
    ),
    Rule(
        "deliveries to who is out end",
        "p2pchat/node/features/group/groups.py",
        "        deliveries.end(tx, group, now.members.keys(), app.now_ms())",
        "        pass",
        "tests/sim/test_groups.py::test_a_delivery_to_who_was_removed_has_ended_and_goes_on_if_he_comes_back",
    ),
    Rule(
        "votes after the end do not count",
        "p2pchat/store/polls.py",
        "                return Outcome(votes, True)",
        "                continue",
        "tests/sim/test_polls.py",
    ),
    Rule(
        "a removal is confirmed after a day",
        "p2pchat/node/features/maintenance.py",
        "    group_checkpoints.confirm_due(app, tx)",
        "",
        "tests/sim/scenarios/test_07_back_dating_admin.py",
    ),
)


def main() -> None:
    """Try all rules, or those whose names hold a word of the command line."""
    words = sys.argv[1:]
    chosen = [rule for rule in RULES if not words or any(word in rule.name for word in words)]
    print("| rule | disabled in | noticed by |\n|---|---|---|", flush=True)
    unnoticed = [rule.name for rule in chosen if not _is_noticed(rule)]
    if unnoticed:
        sys.exit(f"nobody notices that these are gone: {unnoticed}")


def _is_noticed(rule: Rule) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        others = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "dist")
        shutil.copytree(ROOT, tree, ignore=others)
        path = tree / rule.file
        text = path.read_text()
        if text.count(rule.line) != 1:
            sys.exit(f"'{rule.name}': {rule.file} has no such line, or several: {rule.line}")
        path.write_text(text.replace(rule.line, rule.instead))
        began = time.monotonic()
        found = _first_failure(tree, rule.tests)
        print(f"| {rule.name} | `{rule.file}` | {found or '**nobody**'} |", flush=True)
        print(f"{rule.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        return bool(found)


def _first_failure(tree: Path, tests: str) -> str:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (tree, tree / "cli", tree / "bootstrap"))),
        "SEEDS": "3",
        "PYTHONHASHSEED": "0",
    }
    existing = [one for one in tests.split() if (tree / one.partition("::")[0]).exists()]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=--import-mode=importlib",
        *existing,
    ]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return f"`{tests}`, which does not end"
    if any(line.startswith("ERROR") for line in done.stdout.splitlines()):
        sys.exit(f"the tests cannot even be loaded:\n{done.stdout[-2000:]}")
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return f"`{failed[0].split(' - ')[0].split()[1]}`" if failed else ""


if __name__ == "__main__":
    main()
