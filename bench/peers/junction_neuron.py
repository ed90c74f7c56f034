"""W6 in NEURON: network.json, threads, steps of dt ms. Says seconds to build, seconds to run, and each spike's time and cell.

Two half junctions each, with the other side's voltage transferred once a step. What may follow: `exact`, rates without the
table of `hh`; `second`, Crank-Nicolson. half_gap.mod must have been compiled in the folder of the network.
Spikes are told at the ends of steps, half a step late on average, which is taken off.
"""
import json, os, sys, time
from neuron import h

network, threads, dt, tstop = json.load(open(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
options = sys.argv[5:]
if not hasattr(h, "HalfGap"):
    h.nrn_load_dll(os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), os.uname().machine, "libnrnmech.so"))
h.load_file("stdrun.hoc")
began = time.perf_counter()
pc = h.ParallelContext()
kept, somas = [], []
for gid, current in enumerate(network["current"]):
    soma = h.Section(name=f"soma{gid}")
    soma.L = soma.diam = network["diameter"]
    soma.nseg, soma.Ra, soma.cm = 1, 100, 1
    soma.insert("hh")
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0, 1e9, current
    pc.set_gid2node(gid, pc.id())
    detector = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
    detector.threshold = -10
    pc.cell(gid, detector)
    pc.source_var(soma(0.5)._ref_v, gid, sec=soma)
    somas.append(soma)
    kept += [clamp, detector]
for a, b, g in network["junctions"]:
    for here, there in (a, b), (b, a):
        half = h.HalfGap(somas[here](0.5))
        half.g = g
        pc.target_var(half, half._ref_vgap, there)
        kept.append(half)
times, gids = h.Vector(), h.Vector()
pc.spike_record(-1, times, gids)
h.celsius, h.dt = 6.3, dt
h.steps_per_ms = 1 / dt
h.usetable_hh = 0 if "exact" in options else 1
h.secondorder = 2 if "second" in options else 0
pc.nthread(threads)
pc.setup_transfer()
pc.set_maxstep(10)
h.finitialize(-65)
built = time.perf_counter() - began
began = time.perf_counter()
pc.psolve(tstop)
ran = time.perf_counter() - began
print(json.dumps({"build": built, "run": ran, "spikes": sorted((t - 0.5 * dt, int(g)) for t, g in zip(times, gids))}))
