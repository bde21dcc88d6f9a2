"""`@rtig/client` as others get it: packed, unpacked elsewhere, type-checked and run by Node against a real server.

And the types that it shares with the pages are those of the server's structs.
"""

import asyncio
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from calls import playbook

from rtig.app import running
from rtig.client import Source
from rtig.config import Settings
from rtig.core.events import CallStarted, SegmentHeard

WEB = Path(__file__).parents[1] / "web"
PROGRAM = """
import {{ Connection, Desk, remoteDoors, type Card, type Status }} from "@rtig/client";

const doors = remoteDoors(() => "{url}", async () => {{
  const answer = await fetch("{url}/api/ticket", {{ method: "POST", body: JSON.stringify({{ role: "agent" }}) }});
  return ((await answer.json()) as {{ ticket: string }}).ticket;
}});
const connection = new Connection("agent", "ann", doors);
const desk = new Desk((message) => connection.send(message));
let phases: Status["phase"][] = [];
let lost = false;
connection.onStatus = (status) => {{
  phases.push(status.phase);
  if (status.phase === "live") desk.resume();
}};
connection.onMessage = (message) => {{
  desk.take(message, Date.now());
  const card: Card | undefined = [...(desk.current?.cards.values() ?? [])][0];
  if (card && !lost) {{
    lost = true;
    connection.doubt();
    connection.retry();
  }} else if (card && message.type === "caught_up") {{
    console.log(JSON.stringify({{ words: card.why.words[0]?.text, watch: desk.current?.watch(), phases }}));
    connection.stop();
  }}
}};
connection.start("");
"""
CHECKED = {
    "compilerOptions": {
        "target": "ES2022", "module": "nodenext", "moduleResolution": "nodenext", "lib": ["ES2023", "DOM"],
        "strict": True, "skipLibCheck": False, "outDir": "out", "types": [],
    },
    "files": ["program.ts"],
}  # fmt: skip


def test_the_types_of_the_pages_are_those_of_the_server() -> None:
    """`npm run types` in web/ makes them so."""
    checked = subprocess.run(
        [sys.executable, str(WEB / "protocol_types.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder of somebody else's, with the packed client in it."""
    assert (WEB / "client" / "dist" / "index.js").is_file(), "The client has not been built: run `make pages`."
    done = subprocess.run(
        ["npm", "pack", "--json", "--pack-destination", str(tmp_path)],
        cwd=WEB / "client", capture_output=True, text=True, check=True,
    )  # fmt: skip
    (packed,) = json.loads(done.stdout)
    names = {file["path"] for file in packed["files"]}
    assert {"package.json", "README.md", "dist/index.js", "dist/client.d.ts", "dist/protocol.d.ts"} <= names
    assert not [name for name in names if "test" in name or "ui" in name.split("/")]
    with tarfile.open(tmp_path / packed["filename"]) as archive:
        archive.extractall(tmp_path, filter="data")
    home = tmp_path / "node_modules" / "@rtig" / "client"
    home.parent.mkdir(parents=True)
    (tmp_path / "package").rename(home)
    return tmp_path


@pytest.mark.process
async def test_the_packed_client_follows_a_call_and_resumes(package: Path) -> None:
    settings = Settings(port=0, log="memory", meaning="off")
    async with running(settings, playbook()) as server, Source(server.socket_url, "", "test") as source:
        await source.send(CallStarted(call_id="c", agent="ann"))
        await source.send(
            SegmentHeard(
                call_id="c", segment_id="s", rev=1, party="customer", text="my bill has doubled", final=True,
                start_ms=0, end_ms=900,
            )
        )  # fmt: skip
        await source.drained()
        (package / "package.json").write_text('{"type": "module"}')
        (package / "tsconfig.json").write_text(json.dumps(CHECKED))
        (package / "program.ts").write_text(PROGRAM.format(url=server.url))
        compiled = await ran(package, str(WEB / "node_modules" / ".bin" / "tsc"))
        assert compiled == ""
        told = json.loads(await ran(package, "node", "--experimental-websocket", "--no-warnings", "out/program.js"))
    assert told["words"] == "bill has doubled"
    assert told["watch"]["after"]["seq"] >= 2
    assert told["phases"] == ["connecting", "live", "lost", "lost", "live"]


async def ran(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()
