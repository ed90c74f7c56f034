"""Workload W2 in Bouton, NEURON and Arbor on the same networks, interleaved. Called by bench/cable."""
import json, os, random, statistics, subprocess, sys

folder, runs = sys.argv[1], int(os.environ.get("RUNS", "5"))
threads = [int(n) for n in os.environ.get("THREADS", "1 2").split()]
wanted = os.environ.get("ONLY", "").split()
peers = os.environ.get("PEERS", sys.executable)
HERE = os.path.dirname(os.path.abspath(__file__))
BOUTON = os.path.join(HERE, "..", "target", "release", "examples", "bench_cable")

def tree(draw, count):
    """Three stems from the soma; a tip drawn at random forks until there are `count` branches; then numbered depth first."""
    branches, children = [(-1, 2.0)] * 3, {0: [], 1: [], 2: []}
    tips = [0, 1, 2]
    while len(branches) < count:
        parent = tips.pop(draw.randrange(len(tips)))
        for _ in range(2):
            children[parent].append(len(branches))
            children[len(branches)] = []
            tips.append(len(branches))
            branches.append((parent, max(0.4, 0.8 * branches[parent][1])))
    told, ahead = [], [(2, -1), (1, -1), (0, -1)]
    while ahead:
        k, parent = ahead.pop()
        ahead += [(child, len(told)) for child in reversed(children[k])]
        told.append([parent, round(draw.uniform(50, 100), 3), branches[k][1]])
    return told

def network(cells, branches, synapses, hh):
    draw = random.Random(1)
    made, connections = [], []
    for cell in range(cells):
        told = tree(draw, branches)
        places = [[-1, 0.5]] + [[draw.randrange(branches), round(draw.random(), 4)] for _ in range(synapses - 1)]
        made.append({"branches": told, "synapses": places})
    for cell in range(cells):
        connections.append([cell, (cell + 1) % cells, 0, 5.0, 150.0 if hh else 60.0])
        for synapse in range(1, synapses):
            delay = round(5 + 0.025 * draw.randrange(1, 200), 3)
            connections.append([draw.randrange(cells), cell, synapse, delay, 0.3 * 9 / (synapses - 1)])
    start = [[0, 0, 1.0, 150.0 if hh else 60.0]]
    return {"soma": 12.6157, "compartments": 4, "hh": hh, "g_pas": 1e-4, "cells": made, "connections": connections, "start": start}

def one(command):
    child = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(child.stdout.decode().strip().splitlines()[-1])

def command(who, path, n, dt, tstop):
    if who.startswith("Bouton"):
        return [BOUTON, path, str(n), str(dt), str(tstop)]
    script = {"NEURON": "cable_neuron.py", "Arbor": "cable_arbor.py"}[who]
    return [peers, os.path.join(HERE, "peers", script), path, str(n), str(dt), str(tstop)]

def off(found, exact):
    """Mean and largest difference of spike times, ms; none if the spikes are not the same."""
    if [g for _, g in found] != [g for _, g in exact]:
        return None
    gaps = [abs(a[0] - b[0]) for a, b in zip(found, exact)]
    return statistics.mean(gaps), max(gaps)

CASES = {
    "passive": ("64 cells of 253 compartments, passive dendrites", (64, 63, 10, False), 200),
    "hh": ("64 cells of 253 compartments, HH everywhere", (64, 63, 10, True), 200),
    "large": ("256 cells of 509 compartments, 1,000 synapses each, passive dendrites", (256, 127, 1000, False), 200),
}
for name, (title, sizes, tstop) in CASES.items():
    if wanted and name not in wanted:
        continue
    path = os.path.join(folder, f"{name}.json")
    json.dump(network(*sizes), open(path, "w"))
    steps = sizes[0] * (sizes[1] * 4 + 1) * tstop / 0.025
    exact = one(command("Bouton", path, 2, 0.0025, tstop))["spikes"]
    print(f"\n{title}: {len(exact)} spikes, the last at {exact[-1][0]:.3f} ms (steps of 2.5 us)")
    for n in threads:
        found = {}
        whom = ["Bouton", "Bouton at 50 us", "NEURON", "Arbor"]
        for _ in range(runs if name != "large" else max(1, runs // 2)):
            for who in whom:
                found.setdefault(who, []).append(one(command(who, path, n, 0.05 if "50" in who else 0.025, tstop)))
        medians = {who: statistics.median(r["run"] for r in results) for who, results in found.items()}
        for who, results in found.items():
            error = off(results[0]["spikes"], exact)
            error = f"spikes off by {error[0]:.4f} ms on average, {error[1]:.4f} at most" if error else f"{len(results[0]['spikes'])} spikes, other ones"
            low, high = min(r["run"] for r in results), max(r["run"] for r in results)
            build = statistics.median(r["build"] for r in results)
            print(f"  {n} thread{'s' * (n > 1)}  {who:16} {medians[who]:8.3f} s [{low:.3f}, {high:.3f}]  {steps / medians[who] / 1e6:7.1f} M compartment-steps/s"
                  f"  x{medians[who] / medians['Bouton']:<6.2f} built in {build:.2f} s  {error}", flush=True)
