"""W6 in Arbor: network.json, threads, steps of dt ms. Says seconds to build, seconds to run, and each spike's time and cell.

Cells that junctions join are one group, which one thread runs.
"""
import json, sys, time
import arbor as A
from arbor import units as U

network, threads, dt, tstop = json.load(open(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
beside = [[] for _ in network["current"]]
for a, b, g in network["junctions"]:
    beside[a].append((b, g))
    beside[b].append((a, g))

class Junctions(A.recipe):
    def __init__(self):
        A.recipe.__init__(self)
        self.properties = A.neuron_cable_properties()

    def num_cells(self):
        return len(network["current"])

    def cell_kind(self, gid):
        return A.cell_kind.cable

    def global_properties(self, kind):
        return self.properties

    def cell_description(self, gid):
        tree, r = A.segment_tree(), network["diameter"] / 2
        tree.append(A.mnpos, A.mpoint(-r, 0, 0, r), A.mpoint(r, 0, 0, r), tag=1)
        labels = A.label_dict({"middle": "(location 0 0.5)"})
        decor = A.decor()
        decor.set_property(Vm=-65 * U.mV, rL=100 * U.Ohm * U.cm, cm=0.01 * U.F / U.m2, tempK=(6.3 + 273.15) * U.Kelvin)
        decor.set_ion("na", rev_pot=50 * U.mV).set_ion("k", rev_pot=-77 * U.mV)
        decor.paint("(all)", A.density("hh"))
        decor.place('"middle"', A.i_clamp(network["current"][gid] * U.nA))
        decor.place('"middle"', A.junction("gj", {"g": 1}), "junction")
        decor.place('"middle"', A.threshold_detector(-10 * U.mV), "detector")
        return A.cable_cell(tree, decor, labels, A.cv_policy_single())

    def gap_junctions_on(self, gid):
        return [A.gap_junction_connection((peer, "junction"), "junction", g) for peer, g in beside[gid]]

began = time.perf_counter()
recipe = Junctions()
context = A.context(threads=threads)
simulation = A.simulation(recipe, context, A.partition_load_balance(recipe, context))
# Without connections `all` would have none.
simulation.record(A.spike_recording.local)
built = time.perf_counter() - began
began = time.perf_counter()
simulation.run(tstop * U.ms, dt * U.ms)
ran = time.perf_counter() - began
spikes = sorted((float(t), int(source[0])) for source, t in simulation.spikes())
print(json.dumps({"build": built, "run": ran, "spikes": spikes}))
