"""W2 in NEURON: network.json, threads, steps of dt ms. Says seconds to build, seconds to run, and each spike's cell and time."""
import json, sys, time
from neuron import h

network, threads, dt, tstop = json.load(open(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
h.load_file("stdrun.hoc")
began = time.perf_counter()
pc = h.ParallelContext()
everything, kept = network["hh"], []

class Cell:
    pass

def cell(gid, told):
    made = Cell()
    made.soma = h.Section(name="soma", cell=made)
    made.soma.L = made.soma.diam = network["soma"]
    made.soma.nseg = 1
    made.branches = []
    for k, (parent, length, diameter) in enumerate(told["branches"]):
        dend = h.Section(name=f"dend{k}", cell=made)
        dend.L, dend.diam, dend.nseg = length, diameter, network["compartments"]
        dend.connect(made.soma(1) if parent < 0 else made.branches[parent](1))
        made.branches.append(dend)
    for section in [made.soma, *made.branches]:
        section.Ra, section.cm = 100, 1
        if everything or section == made.soma:
            section.insert("hh")
        else:
            section.insert("pas")
            section.g_pas, section.e_pas = network["g_pas"], -65
    made.synapses = []
    for branch, at in told["synapses"]:
        synapse = h.ExpSyn(made.soma(0.5) if branch < 0 else made.branches[branch](at))
        synapse.tau, synapse.e = 2, 0
        made.synapses.append(synapse)
    pc.set_gid2node(gid, pc.id())
    made.detector = h.NetCon(made.soma(0.5)._ref_v, None, sec=made.soma)
    made.detector.threshold = -10
    pc.cell(gid, made.detector)
    return made

cells = [cell(gid, told) for gid, told in enumerate(network["cells"])]
for source, target, synapse, delay, weight in network["connections"]:
    link = pc.gid_connect(source, cells[target].synapses[synapse])
    link.delay, link.weight[0] = delay, 1e-3 * weight
    kept.append(link)
for target, synapse, at, weight in network["start"]:
    stimulus = h.NetStim()
    stimulus.number, stimulus.start = 1, at - 1
    link = h.NetCon(stimulus, cells[target].synapses[synapse])
    link.delay, link.weight[0] = 1, 1e-3 * weight
    kept += [stimulus, link]
times, gids = h.Vector(), h.Vector()
pc.spike_record(-1, times, gids)
h.celsius, h.dt = 6.3, dt
h.steps_per_ms = 1 / dt
pc.nthread(threads)
h.cvode.cache_efficient(1)
pc.set_maxstep(10)
h.finitialize(-65)
built = time.perf_counter() - began
began = time.perf_counter()
pc.psolve(tstop)
ran = time.perf_counter() - began
print(json.dumps({"build": built, "run": ran, "spikes": sorted((t, int(g)) for t, g in zip(times, gids))}))
