"""Workload W6 in Bouton, NEURON, Arbor and NEST on the same networks, interleaved. Called by bench/junction."""
import json, math, os, random, shutil, statistics, subprocess, sys

folder, runs = sys.argv[1], int(os.environ.get("RUNS", "5"))
threads = [int(n) for n in os.environ.get("THREADS", "1 2").split()]
wanted = os.environ.get("ONLY", "").split()
peers = os.environ.get("PEERS", sys.executable)
HERE = os.path.dirname(os.path.abspath(__file__))
BOUTON = os.path.join(HERE, "..", "target", "release", "examples", "bench_junction")
DIAMETER, DEGREE, TSTOP = 12.6157, 10, 500
# Spikes are compared over the first 100 ms; two of one cell are the same if less than 5 ms lie between.
WINDOW, REACH = 100, 5
# How many times as fast as these Bouton should be.
TARGETS = {"Arbor": 3, "NEURON": 15}

def resting():
    """Voltage and membrane conductance (nS) of a cell at rest, by the rates of Hodgkin and Huxley (1952)."""
    def linoid(x):
        return x / (1 - math.exp(-x)) if abs(x) > 1e-9 else 1.0
    def at(v):
        am, bm = linoid((v + 40) / 10), 4 * math.exp(-(v + 65) / 18)
        ah, bh = 0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))
        an, bn = 0.1 * linoid((v + 55) / 10), 0.125 * math.exp(-(v + 65) / 80)
        g = 120 * (am / (am + bm)) ** 3 * ah / (ah + bh), 36 * (an / (an + bn)) ** 4, 0.3
        return g, sum(g * (v - e) for g, e in zip(g, (50, -77, -54.3)))
    low, high = -75.0, -60.0
    for _ in range(100):
        v = (low + high) / 2
        low, high = (v, high) if at(v)[1] < 0 else (low, v)
    # mS/cm2 times um2 is 0.01 nS.
    return low, 0.01 * sum(at(low)[0]) * math.pi * DIAMETER**2

REST, G_REST = resting()

def network(cells, g):
    """A random graph, and a current a cell."""
    draw, joined = random.Random(6), set()
    while 2 * len(joined) < DEGREE * cells:
        a, b = draw.randrange(cells), draw.randrange(cells)
        if a != b:
            joined.add((min(a, b), max(a, b)))
    currents = [round(draw.uniform(0.02, 0.08), 6) for _ in range(cells)]
    return {"diameter": DIAMETER, "current": currents, "junctions": [[a, b, g] for a, b in sorted(joined)]}

def one(who, path, n, dt, tstop):
    parts = who.split(", ")
    script = {"Bouton": None, "NEURON": "junction_neuron.py", "Arbor": "junction_arbor.py", "NEST": "junction_nest.py"}[parts[0]]
    before = [BOUTON] if script is None else [peers, os.path.join(HERE, "peers", script)]
    command = [*before, path, str(n), str(dt), str(tstop), *parts[1:]]
    child = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(child.stdout.decode().strip().splitlines()[-1])

def by_cell(spikes):
    cells = {}
    for at, cell in spikes:
        cells.setdefault(cell, []).append(at)
    return cells

def off(found, exact):
    """Differences of the spikes' times, ms, as they lie in `exact`; how many are missing, and how many there should not be."""
    found, exact = by_cell(found), by_cell(exact)
    gaps, missing, extra = [], 0, 0
    for cell in sorted(found.keys() | exact.keys()):
        left = list(found.get(cell, []))
        for at in exact.get(cell, []):
            near = min(left, key=lambda t: abs(t - at), default=math.inf)
            if abs(near - at) < REACH:
                left.remove(near)
            if at < WINDOW:
                missing += abs(near - at) >= REACH
                gaps += [near - at] if abs(near - at) < REACH else []
        extra += sum(at < WINDOW for at in left)
    return gaps, missing, extra

def words(found, exact):
    """The difference in words; and its mean and the number of wrong spikes."""
    gaps, missing, extra = off(found, exact)
    size = [abs(gap) for gap in gaps]
    told = f"off by {statistics.mean(size):.5f} ms on average, {max(size):.4f} at most; {missing} missing, {extra} extra"
    return told, statistics.mean(size), missing + extra

def limit(who, path):
    """Spikes at steps of 5 and 2.5 us, and those that a method of first order with them would go to."""
    coarse, fine = (by_cell(one(who, path, 1, dt, WINDOW + 2 * REACH)["spikes"]) for dt in (0.005, 0.0025))
    same = [cell for cell in fine if len(fine[cell]) == len(coarse.get(cell, []))]
    ahead = [(2 * b - a, cell) for cell in same for a, b in zip(coarse[cell], fine[cell])]
    return [(at, cell) for cell in fine for at in fine[cell]], ahead, len(fine) - len(same)

def compare(name, title, g):
    path = os.path.join(folder, f"{name}.json")
    json.dump(network(1000, g), open(path, "w"))
    exact = one("Bouton", path, max(threads), 0.0025, WINDOW + 2 * REACH)["spikes"]
    here = sum(at < WINDOW for at, _ in exact)
    print(f"\n{title}: {here} spikes in {WINDOW} ms (Bouton at steps of 2.5 us)")
    for who in ("NEURON, exact", "Arbor"):
        fine, ahead, other = limit(who, path)
        told = by_cell(exact)
        kept = {cell for _, cell in ahead}
        print(f"  {who:16} at 2.5 us    {words(fine, exact)[0]}")
        print(f"  {'':16} to step 0    {words(ahead, [(t, c) for c in kept for t in told.get(c, [])])[0]}"
              f"{f'; {other} cells left out' if other else ''}")
    cases = [("Bouton", 0.025), ("Bouton", 0.05), ("Bouton", 0.1), ("Arbor", 0.025), ("NEURON", 0.025), ("NEURON, second", 0.025),
             ("NEURON, second, exact", 0.025)]
    for n in threads:
        found = {}
        for _ in range(runs):
            for case in cases:
                found.setdefault(case, []).append(one(case[0], path, n, case[1], TSTOP))
        times = {case: [r["run"] for r in results] for case, results in found.items()}
        medians = {case: statistics.median(of) for case, of in times.items()}
        errors = {case: words(results[0]["spikes"], exact) for case, results in found.items()}
        own = [case for case in cases if case[0] == "Bouton"]
        for case in cases:
            who, dt = case
            hertz = len(found[case][0]["spikes"]) / TSTOP
            line = f"  {n} thread{'s' * (n > 1)}  {who:22} {1e3 * dt:4.0f} us {medians[case]:8.3f} s [{min(times[case]):.3f}, {max(times[case]):.3f}]  {hertz:5.2f} Hz"
            line += f"  {1e6 * medians[case] / (TSTOP / dt):6.1f} ns a cell-step  {errors[case][0]}"
            target = TARGETS.get(who.split(", ")[0])
            if target:
                line += f"; Bouton x{medians[case] / medians[own[0]]:.1f}"
                # The longest step at which neither Bouton's error nor its wrong spikes are more.
                better = lambda mine: all(a <= b for a, b in zip(errors[mine][1:], errors[case][1:]))
                equal = [mine for mine in own if better(mine)]
                if equal:
                    line += f", at no larger an error x{medians[case] / medians[equal[-1]]:.1f} ({1e3 * equal[-1][1]:.0f} us; wanted {target})"
                else:
                    line += f", with a smaller error than Bouton at any of these (wanted {target})"
            print(line, flush=True)

def nest():
    path = os.path.join(folder, "weak.json")
    for n in threads:
        for dt in (0.1, 0.025):
            told = one("NEST", path, n, dt, 100)
            run, count = told["run"], told["count"]
            print(f"  {n} thread{'s' * (n > 1)}  {'NEST, its own cells':22} {1e3 * dt:4.0f} us {run:8.3f} s for 100 ms, {count / 100:.1f} Hz", flush=True)

def large():
    for name, g in (("weak", WEAK), ("strong", STRONG)):
        for cells in (10_000, 30_000, 100_000):
            path = os.path.join(folder, "large.json")
            json.dump(network(cells, g), open(path, "w"))
            for n in threads:
                took = [one("Bouton", path, n, 0.025, 25) for _ in range(max(1, runs // 2))]
                run, build = (statistics.median(r[what] for r in took) for what in ("run", "build"))
                print(f"  {n} thread{'s' * (n > 1)}  {name:6} {cells:7} cells, {cells * DEGREE // 2} junctions  {run:7.3f} s for 25 ms"
                      f"  {1e9 * run / (cells * 1000):6.2f} ns a cell-step  built in {build:.2f} s", flush=True)

WEAK, STRONG = 1e-5, round(3e-3 * G_REST / DEGREE, 9)
print(f"a cell at rest: {REST:.3f} mV, {G_REST:.4f} nS")
if not wanted or "weak" in wanted or "strong" in wanted:
    shutil.copy(os.path.join(HERE, "peers", "half_gap.mod"), folder)
    compiler = os.path.join(os.path.dirname(peers), "nrnivmodl") if os.path.dirname(peers) else "nrnivmodl"
    subprocess.run([compiler, "."], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
if not wanted or "weak" in wanted:
    compare("weak", f"1,000 cells, 5,000 junctions of {1e3 * WEAK:g} nS", WEAK)
    nest()
if not wanted or "strong" in wanted:
    compare("strong", f"1,000 cells, 5,000 junctions of {1e3 * STRONG:g} nS, ten of which are three times a cell at rest", STRONG)
if not wanted or "large" in wanted:
    print("\nLarge, Bouton alone")
    large()
