"""W2 in Arbor: network.json, threads, steps of dt ms. Says seconds to build, seconds to run, and each spike's cell and time."""
import json, sys, time
import arbor as A
from arbor import units as U

network, threads, dt, tstop = json.load(open(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
everything, n = network["hh"], network["compartments"]
into = {}
for source, target, synapse, delay, weight in network["connections"]:
    into.setdefault(target, []).append((source, synapse, delay, weight))

class Ring(A.recipe):
    def __init__(self):
        A.recipe.__init__(self)
        self.properties = A.neuron_cable_properties()

    def num_cells(self):
        return len(network["cells"])

    def cell_kind(self, gid):
        return A.cell_kind.cable

    def global_properties(self, kind):
        return self.properties

    def cell_description(self, gid):
        told, tree = network["cells"][gid], A.segment_tree()
        r = network["soma"] / 2
        soma = tree.append(A.mnpos, A.mpoint(-2 * r, 0, 0, r), A.mpoint(0, 0, 0, r), tag=1)
        ends, where = [], []
        for parent, length, diameter in told["branches"]:
            at = 0.0 if parent < 0 else where[parent]
            base = soma if parent < 0 else ends[parent]
            ends.append(tree.append(base, A.mpoint(at, 0, 0, diameter / 2), A.mpoint(at + length, 0, 0, diameter / 2), tag=3))
            where.append(at + length)
        morphology = A.morphology(tree)
        # Which of Arbor's branches a segment became.
        branch_of = {}
        for branch in range(morphology.num_branches):
            for segment in morphology.branch_segments(branch):
                branch_of[round(segment.prox.x, 9), round(segment.dist.x, 9), segment.prox.radius, segment.tag] = branch
        segments = {}
        for branch in range(morphology.num_branches):
            for segment in morphology.branch_segments(branch):
                segments.setdefault(branch, []).append(segment)
        labels = A.label_dict({"soma": "(tag 1)", "dend": "(tag 3)", "middle": "(on-components 0.5 (tag 1))"})
        decor = A.decor()
        decor.set_property(Vm=-65 * U.mV, rL=100 * U.Ohm * U.cm, cm=0.01 * U.F / U.m2, tempK=(6.3 + 273.15) * U.Kelvin)
        decor.set_ion("na", rev_pot=50 * U.mV).set_ion("k", rev_pot=-77 * U.mV)
        decor.paint('"soma"', A.density("hh"))
        decor.paint('"dend"', A.density("hh") if everything else A.density("pas/e=-65", {"g": network["g_pas"]}))
        order = numbering(morphology, told)
        for k, (branch, at) in enumerate(told["synapses"]):
            where = '"middle"' if branch < 0 else f"(location {order[branch]} {at})"
            decor.place(where, A.synapse("expsyn", {"tau": 2, "e": 0}), f"s{k}")
        decor.place('"middle"', A.threshold_detector(-10 * U.mV), "detector")
        policy = A.cv_policy(f"(join (fixed-per-branch 1 (tag 1)) (fixed-per-branch {n} (tag 3)))")
        return A.cable_cell(morphology, decor, labels, policy)

    def connections_on(self, gid):
        return [A.connection((source, "detector"), f"s{synapse}", 1e-3 * weight, delay * U.ms)
                for source, synapse, delay, weight in into.get(gid, [])]

    def event_generators(self, gid):
        return [A.event_generator(f"s{synapse}", 1e-3 * weight, A.explicit_schedule([at * U.ms]))
                for target, synapse, at, weight in network["start"] if target == gid]

def numbering(morphology, told):
    """Arbor's branch of each of ours: branches keep the order in which their first segments were appended."""
    firsts = []
    for branch in range(morphology.num_branches):
        segments = morphology.branch_segments(branch)
        firsts.append((branch, segments))
    ours, k = {}, 0
    for branch, segments in firsts:
        if segments[0].tag == 1:
            continue
        assert len(segments) == 1
        ours[k] = branch
        k += 1
    lengths = [round(s[0].dist.x - s[0].prox.x, 6) for b, s in firsts if s[0].tag == 3]
    assert lengths == [round(l, 6) for _, l, _ in told["branches"]], "branches in another order"
    return ours

began = time.perf_counter()
recipe = Ring()
context = A.context(threads=threads)
groups = A.partition_load_balance(recipe, context)
simulation = A.simulation(recipe, context, groups)
simulation.record(A.spike_recording.all)
built = time.perf_counter() - began
began = time.perf_counter()
simulation.run(tstop * U.ms, dt * U.ms)
ran = time.perf_counter() - began
spikes = sorted((float(t), int(source[0])) for source, t in simulation.spikes())
print(json.dumps({"build": built, "run": ran, "spikes": spikes}))
