"""Adds the answers of calls, and the final lists, to a history."""

import sys
from typing import Any
from urllib.parse import parse_qs

from proof.checker import requests
from proof.checker.model import Call, History, Read, State
from proof.checker.periods import Period
from proof.checker.states import bare_state, is_of_load, state_of
from proof.workload.timetable import TYPES

_WRITES = frozenset({"register", "change_vehicle", "create", "any", "change_list", "change"})
_LISTS = frozenset({"list", "availability", "vehicles"})


class AnswerLoader:
    """Adds calls to ``history``; ``offset`` is the wall clock minus the monotonic clock."""

    def __init__(self, history: History, offset: float) -> None:
        self._history, self._offset = history, offset

    def add(self, call: Call, record: dict[str, Any]) -> None:
        """Add a call and the states in its answer."""
        history = self._history
        if call.kind == "import":
            self._add_import(call, record)
        elif record["method"] == "GET":
            if call.status == 200:
                self._add_read(call, record)
        else:
            history.by_request[call.request_id] = call
            self._add_request(call, record["body"])
            if call.kind in _WRITES and call.succeeded:
                self._add_results(call, record)
            elif call.succeeded:
                item = self._existing(call)
                if item is not None:
                    item.deletes = (*item.deletes, call)
            elif call.status is None:
                call.body, call.reason = record["body"], record.get("reason", "")
        if call.status is not None and call.status >= 400:
            self._add_refusal(call, record["answer"])
        history.calls.append(call)

    def add_final(self, final: dict[str, Any]) -> None:
        """Add the final lists and the result of the check."""
        history = self._history
        for rows in (*final["vehicles"].values(), *final["allocations"].values()):
            for row in rows:
                state = self._state(row)
                state.known = min(state.known, final["monotonic"])
                history.final[row["id"]] = state
        history.final_time = final["monotonic"]
        history.check_status, history.check_output = final["check"]["status"], final["check"]["output"]

    def _existing(self, call: Call) -> Any:
        history = self._history
        if call.kind == "decommission":
            return history.vehicles.get(call.vehicle or "")
        return history.allocations.get(call.item or "")

    def _state(self, row: dict[str, Any]) -> State:
        if "resource_id" in row:
            row["resource_id"] = sys.intern(row["resource_id"])
        return state_of(self._history, row, self._offset)

    def _add_request(self, call: Call, body: Any) -> None:
        history = self._history
        if call.key is not None:
            history.by_key[call.key].append(call)
        if call.kind in ("create", "any"):
            call.period = history.periods.of(body)
            call.quantity = body.get("quantity", 1)
            call.reference = sys.intern(body["reference"])
            history.by_reference.setdefault(call.reference, call)
        elif call.kind == "change_list":
            call.targets = tuple(
                (change["id"], change.get("version"), change.get("resource_id")) for change in body["changes"]
            )
        elif call.kind == "change":
            call.targets = ((call.item or "", call.if_match, body.get("resource_id")),)
            if {"from_datetime", "to_datetime"} <= body.keys():
                call.period = history.periods.of(body)
        elif call.kind == "register":
            call.reference = body["name"]
        elif call.kind == "change_vehicle":
            call.reference = body.get("name")

    def _add_results(self, call: Call, record: dict[str, Any]) -> None:
        answer = record["answer"]
        rows = answer if isinstance(answer, list) else [answer]
        text = requests.mismatch(call.kind, record["body"], call.vehicle, rows)
        if text is not None:
            self._history.mismatches.append(f"{call}: {text}")
        results = []
        for row in rows:
            state = self._state(row)
            state.acknowledged = True
            state.begin = min(state.begin, call.begin)
            state.known = min(state.known, call.end)
            results.append(state)
        call.results = tuple(results)

    def _add_refusal(self, call: Call, answer: Any) -> None:
        call.code = sys.intern(answer["code"])
        call.index = answer.get("index")
        call.conflicts = tuple(self._conflict(call, row) for row in answer.get("conflicts", ()))

    def _conflict(self, call: Call, row: dict[str, Any]) -> tuple[State, Period]:
        state = bare_state(self._history, row["id"], TYPES[call.collection], row["version"])
        return state, self._history.periods.of(row)

    def _add_read(self, call: Call, record: dict[str, Any]) -> None:
        answer, periods = record["answer"], self._history.periods
        self._history.standby_reads += "age" in record
        query = parse_qs(record["path"].partition("?")[2])
        start = query.get("from", query.get("available_from", [None]))[0]
        end = query.get("to", query.get("available_to", [None]))[0]
        kind = "free" if call.kind == "vehicles" and "available_from" in query else call.kind
        read = Read(call, kind, periods.between(start, end))
        rows = answer if isinstance(answer, list) else [answer]
        if kind == "availability":
            for row in rows:
                vehicle = sys.intern(row["resource_id"])
                read.busy[vehicle] = [periods.of(period) for period in row["busy"]]
                read.free[vehicle] = [periods.of(period) for period in row["free"]]
                read.vehicles.append(vehicle)
        else:
            for row in rows:
                state = self._state(row)
                state.known = min(state.known, call.end)
                read.states.append(state)
            if kind in _LISTS or kind == "free":
                read.vehicles = [sys.intern(state.item.id) for state in read.states] if kind != "list" else []
        self._history.reads.append(read)

    def _add_import(self, call: Call, record: dict[str, Any]) -> None:
        refused = set(record["answer"])
        for number, row in enumerate(record["body"], 1):
            if not is_of_load(row["resource_type"]):
                continue
            self._history.imports_by_name[row["name"]].append(call)
            self._history.by_reference.setdefault(row["reference"], call)
            if number not in refused:
                self._history.imported[row["reference"]] = call
