"""Workload W1: every molecule of a cleft, in Bouton and Smoldyn, interleaved. Called by bench/cleft."""
import json, math, os, random, statistics, subprocess, sys

folder = sys.argv[1]
runs = int(os.environ.get("RUNS", "5"))
trials = int(os.environ.get("TRIALS", "200"))
wanted = os.environ.get("ONLY", "glutamate neuromuscular").split()
peers = os.environ.get("PEERS", sys.executable)
HERE = os.path.dirname(os.path.abspath(__file__))
BOUTON = os.path.join(HERE, "..", "target", "release", "examples", "bench_molecules")
TIMES = [20, 50, 100, 250, 500, 1000, 2000]
# What W1 asks of both: how far free molecules and open receptors may be from the reference.
FREE, OPEN = 0.01, 0.02
# Step of the reference, us; of its trials at least.
REFERENCE = {"glutamate": (0.05, 5000), "neuromuscular": (0.1, 5000)}
# Smoldyn's step, us, and how many times its throughput is wanted.
STEPS = {"glutamate": (0.1, 100), "neuromuscular": (0.5, 150)}

def even(draw, n, radius=None, side=None):
    places = []
    while len(places) < n:
        if side:
            places.append([round((draw.random() - 0.5) * side, 6) for _ in "xy"])
        else:
            x, y = (draw.uniform(-radius, radius) for _ in "xy")
            if x * x + y * y < radius * radius:
                places.append([round(x, 6), round(y, 6)])
    return places

def model(name):
    """Rates in /ms and /mM/ms, lengths in um; the last number of a step says whether it binds (1) or frees (-1) a molecule."""
    draw = random.Random(name)
    ampa = {"states": 4, "bound": [0, 1, 2, 2], "steps": [[0, 1, 4.59, 1], [1, 0, 4.26, -1], [1, 2, 28.4, 1], [2, 1, 3.26, -1], [2, 3, 4.24, 0], [3, 2, 0.9, 0]]}
    nicotinic = {"states": 4, "bound": [0, 1, 2, 2], "steps": [[0, 1, 60, 1], [1, 0, 10, -1], [1, 2, 30, 1], [2, 1, 20, -1], [2, 3, 20, 0], [3, 2, 1, 0]]}
    esterase = {"states": 2, "bound": [0, 1], "steps": [[0, 1, 200, 1], [1, 0, 16, 0]]}
    if name == "glutamate":
        members = [{**ampa, "places": even(draw, 80, radius=0.15)}]
        return {"radius": 0.25, "height": 0.02, "diffusion": 0.33, "release": 3000, "members": members, "times": TIMES, "open": [0, 3], "site": 0.005}
    members = [{**nicotinic, "places": even(draw, 8000, side=1)}, {**esterase, "places": even(draw, 2000, side=1)}]
    return {"side": 1, "height": 0.05, "diffusion": 0.4, "release": 10000, "members": members, "times": TIMES, "open": [0, 3], "site": 0.008}

def call(command):
    child = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(child.stdout.decode().strip().splitlines()[-1])

def bouton(path, n, seed, threads=1, step=None):
    return call([BOUTON, path, str(n), str(seed), str(threads)] + ([str(step)] if step else []))

def smoldyn(path, n, seed, step):
    return call([peers, os.path.join(HERE, "peers", "cleft_smoldyn.py"), path, str(n), str(seed), str(step)])

def mean(result, what, k):
    n = result["trials"]
    total, squares = (column[k] for column in result[what])
    m = total / n
    return m, math.sqrt(max(squares / n - m * m, 0) / n)

def together(results):
    both = {"trials": sum(r["trials"] for r in results)}
    for what in ("free", "open"):
        both[what] = [[sum(x) for x in zip(*(r[what][p] for r in results))] for p in (0, 1)]
    return both

def judge(result, reference):
    """For each time: free and open of both, and whether they are within what W1 allows."""
    lines, good = [], True
    for k, t in enumerate(TIMES):
        row = [f"{t:>6}"]
        for what, allowed in (("free", FREE), ("open", OPEN)):
            (m, e), (of, of_e) = mean(result, what, k), mean(reference, what, k)
            bound = allowed * of + 5 * math.hypot(e, of_e)
            ok = abs(m - of) <= bound
            good &= ok
            row.append(f"{m:>10.3f} of {of:>10.3f} +-{math.hypot(e, of_e):<6.3f} ({100 * (m / of - 1) if of else 0:+6.2f} %){'' if ok else ' MISSES'}")
        lines.append("  ".join(row))
    return good, lines

for name in wanted:
    path = os.path.join(folder, name + ".json")
    with open(path, "w") as f:
        json.dump(model(name), f)
    kept = os.path.join(HERE, "models", f"cleft_{name}_reference.json")
    if os.environ.get("REFERENCE") or not os.path.exists(kept):
        step, n = REFERENCE[name]
        n = int(os.environ.get("REFERENCE_TRIALS", n))
        print(f"{name}: reference of {n} trials at {step} us, on two threads ...", flush=True)
        found = bouton(path, n, 77, 2, step)
        found["step"] = step
        with open(kept, "w") as f:
            json.dump(found, f)
    reference = json.load(open(kept))
    step, target = STEPS[name]
    ours, theirs = [], []
    for run in range(runs):
        ours.append(bouton(path, trials, 100 + run))
        if peers != "none":
            theirs.append(smoldyn(path, max(1, trials // 40), 100 + run, step))
    print(f"{name}: {trials} trials a run, {runs} runs; the reference: {reference['trials']} plain trials at {reference['step']} us")
    for who, results in (("Bouton", ours), (f"Smoldyn at {step} us", theirs)):
        if not results:
            continue
        each = statistics.median(r["seconds"] / r["trials"] for r in results)
        good, lines = judge(together(results), reference)
        print(f"  {who}: {1e3 * each:.3f} ms a trial; {'within' if good else 'NOT within'} {100 * FREE:g} % of free, {100 * OPEN:g} % of open, and 5 standard errors")
        print("      us  free                                              open")
        print("\n".join("  " + line for line in lines))
    if theirs:
        pairs = [t["seconds"] / t["trials"] / (o["seconds"] / o["trials"]) for o, t in zip(ours, theirs)]
        print(f"  Smoldyn's time over Bouton's: {statistics.median(pairs):.0f} ({min(pairs):.0f} to {max(pairs):.0f}); wanted {target}")
