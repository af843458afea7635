"""What the tests start is installed by the project where it is missing: Prometheus as RabbitMQ is."""

import subprocess
import sys
from pathlib import Path

from tests.deployments.test_rabbitmq import ROOT, needs_root, script

PACKAGES = """
cd "${0%/*}"
echo $* >> asked
/bin/cp apt-get prometheus && /bin/cp apt-get promtool
"""


def install(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.stack.install", *words]
    env = {"PATH": str(path), "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_cannot_be_installed_fails_only_what_requires_it(tmp_path: Path) -> None:
    wanted, required = install(tmp_path, "prometheus"), install(tmp_path, "--required", "prometheus")
    assert (wanted.returncode, required.returncode) == (0, 1)
    assert "nothing is scraped" in wanted.stdout
    assert "Install prometheus 2.42 or later" in required.stderr


@needs_root
def test_its_server_for_the_whole_machine_is_switched_off(tmp_path: Path) -> None:
    script(tmp_path, "apt-get", PACKAGES)
    script(tmp_path, "systemctl", 'cd "${0%/*}"\necho $* > switched')
    done, again = install(tmp_path, "--required", "prometheus"), install(tmp_path, "--required", "prometheus")
    assert (done.returncode, again.returncode, again.stdout) == (0, 0, "")
    assert (tmp_path / "asked").read_text().count("\n") == 1
    assert (tmp_path / "switched").read_text().split() == ["disable", "--quiet", "--now", "prometheus.service"]
