"""What a campaign may remove and write: nothing that is not its own, under whatever name it stands."""

import os
import subprocess

import farm

# Where $TMPDIR is so long that the scratch root's name is too long for the system, and TMPDIR/taskfarm/x just is not.
LONGEST = 4095
SCRATCH = {"over": {"n": [1]}, "run": {"command": "echo {n} >{scratch}/x"}}


class Scratch(farm.FarmTest):
    def make_long_folder(self):
        """A folder so deep that nothing can be made in it under the name of a scratch root; in it taskfarm/x, somebody's
        own. Its path, and a descriptor of it."""
        path, fd = str(self.folder), os.open(self.folder, os.O_RDONLY)
        left = LONGEST - len("/taskfarm-XXXXX") - len(path)
        while left > 1:
            name = "t" * min(200, left - 1 if left < 202 else left - 3)
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            path, fd, left = f"{path}/{name}", below, left - len(name) - 1
        os.mkdir("taskfarm", dir_fd=fd)
        os.close(os.open("taskfarm/x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        self.addCleanup(os.close, fd)
        return path, fd

    def test_without_a_scratch_root_tasks_fail_and_nothing_is_removed(self):
        self.write("c.json", SCRATCH)
        path, fd = self.make_long_folder()
        env = {"TMPDIR": path, "OMPI_MCA_orte_tmpdir_base": "/tmp", "PRTE_MCA_prte_tmpdir_base": "/tmp"}
        why = f"can't make scratch folders in {path}: File name too long; set TMPDIR to a folder that can be written"
        tried = subprocess.run(self.command("try", "c.json", 0), cwd=self.folder, env=farm.environment(**env), capture_output=True, text=True)
        self.assertEqual(os.listdir(fd), ["taskfarm"])
        self.assertEqual(tried.returncode, 1)
        self.assertIn(why, tried.stdout)
        self.taskfarm("c.json", env=env, status=1)
        self.assertEqual(os.listdir(fd), ["taskfarm"])
        self.assertIn(why, self.taskfarm("show", "c.h5", 0, env=env).stdout)
        self.assertEqual(os.listdir(fd), ["taskfarm"])

    def test_scratch_folders_are_removed_whatever_stands_under_their_names(self):
        """A task puts a link in the place of its scratch folder, and another in it: neither is followed."""
        self.write("mine/x", "")
        temporary = self.folder / "temporary"
        temporary.mkdir()
        command = f"ln -s {self.folder}/mine {{scratch}}/inside; mv {{scratch}} {{scratch}}-away; ln -s {self.folder}/mine {{scratch}}"
        self.write("c.json", {"over": {"n": [1, 2]}, "run": {"command": command}})
        self.taskfarm("c.json", env={"TMPDIR": str(temporary)})
        self.assertEqual(os.listdir(self.folder / "mine"), ["x"])
        self.assertEqual([name for name in os.listdir(temporary) if name.startswith("taskfarm")], [])

    def test_a_task_whose_host_was_killed_gets_a_fresh_scratch_folder(self):
        command = "test ! -e {scratch}/x && touch {scratch}/x && (test $TASKFARM_ATTEMPT = 2 || kill -9 $PPID)"
        self.write("c.json", {"over": {"n": [1]}, "retries": 1, "run": {"command": command}})
        self.taskfarm("c.json")


if __name__ == "__main__":
    farm.main()
