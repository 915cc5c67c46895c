"""What tells mpirun of Open MPI (4, and 5 by PRTE_) and of MPICH (HYDRA_) where the nodes of a box are and how they are reached."""

import pathlib

AGENT = pathlib.Path(__file__).resolve().with_name("agent")

# Of mpirun's connections to its daemons: it finds that a node is gone after 1 + 3 * 1 seconds. MPICH's has nothing like it.
KEEPALIVE = {"oob_tcp_keepalive_time": "1", "oob_tcp_keepalive_intvl": "1", "oob_tcp_keepalive_probes": "3"}


def environment(box):
    parameters = {
        "plm_rsh_agent": AGENT,
        "routed": "direct",
        "orte_default_hostfile": f"{box}/hostfile",
        "oob_tcp_if_include": "eth0",
        "btl_tcp_if_include": "eth0",
        "pml": "ob1",
        **KEEPALIVE,
    }
    prte = {"plm_ssh_agent": AGENT, "prte_default_hostfile": f"{box}/hostfile", "prte_if_include": "eth0", **KEEPALIVE}
    hydra = {"LAUNCHER": "rsh", "LAUNCHER_EXEC": AGENT, "IFACE": "eth0", "HOST_FILE": f"{box}/machinefile"}
    return {
        **{f"OMPI_MCA_{name}": str(value) for name, value in parameters.items()},
        **{f"PRTE_MCA_{name}": str(value) for name, value in prte.items()},
        **{f"HYDRA_{name}": str(value) for name, value in hydra.items()},
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_ALLOW_RUN_AS_ROOT": "1",
        "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
