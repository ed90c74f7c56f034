"""Both simulators on bench/models/population.toml: times, memory, what they found, and their errors. Called by bench/population."""
import json, os, statistics, subprocess, sys, time

binary, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
THREADS = [int(n) for n in sys.argv[4].split()]
MODEL, CATALOGUE = "bench/models/population.toml", "bench/models/catalogue"
# /ms and /mM/ms: as in the receptor of the model. Binding is slow enough for explicit steps of 50 us at 10 mM.
RATES = dict(k1=4.59, u1=4.26, k2=4.59, u2=3.26, o=4.24, c=0.9, d=0.172, r=0.000727)

BRIAN = '''
import sys
from brian2 import *
directory, threads, n, single = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "single"
dt = float(sys.argv[5])
set_device("cpp_standalone", directory=directory, build_on_run=False)
prefs.devices.cpp_standalone.openmp_threads = 0 if threads == 1 else threads
defaultclock.dt = dt * us
seed(1)
RATES = %r
equations = """
dL/dt = -L / (1 * ms) : 1 (clock-driven)
dC1/dt = (k1 * L * (1 - C1 - C2 - O - D) - u1 * C1 - k2 * L * C1 + u2 * C2) / ms : 1 (clock-driven)
dC2/dt = (k2 * L * C1 - u2 * C2 - o * C2 + c * O - d * C2 + r * D) / ms : 1 (clock-driven)
dO/dt = (o * C2 - c * O) / ms : 1 (clock-driven)
dD/dt = (d * C2 - r * D) / ms : 1 (clock-driven)
vesicles : 1
released : 1
seen : second
"""
draw = lambda p, n: " + ".join(f"int(rand() < {p}) * int({n} > {k})" for k in range(10))
on_pre = "L += 3; released += 3" if single else f"""
empty = 10 - vesicles
refilled = 1 - exp(-(t - seen) / (200 * ms))
vesicles += {draw("refilled", "empty")}
n = {draw("0.3", "vesicles")}
vesicles -= n
released += n
L += n
seen = t
"""
senders = SpikeGeneratorGroup(1, [0], [1] * ms) if single else PoissonGroup(n, rates=10 * Hz)
target = NeuronGroup(1, "x : 1")
synapses = Synapses(senders, target, equations, on_pre=on_pre, method="rk4", namespace=RATES)
synapses.connect(j="0")
synapses.vesicles = 10
every = 0.05 * ms if single else 1 * ms
monitor = StateMonitor(synapses, "O", record=list(range(n if n < 10000 else 10000)), dt=every)
run(0.03 * second if single else 0.2 * second)
device.build(directory=directory, compile=True, run=False)
''' % RATES

READ = '''
import glob, sys, numpy
directory = sys.argv[1]
one = lambda name: glob.glob(f"{directory}/results/_dynamic_array_{name}*")[0]
released = numpy.fromfile(one("synapses_released"), dtype="f8")
opened = numpy.fromfile(one("statemonitor_O"), dtype="f8")
print(released.mean(), opened.mean())
if len(sys.argv) > 2:
    print(*opened)
'''

def script(name, text):
    path = f"{folder}/{name}.py"
    open(path, "w").write(text)
    return path

def built(name, threads, n, what, dt=50):
    directory = f"{folder}/{name}"
    subprocess.run([sys.executable, script("brian", BRIAN), directory, str(threads), str(n), what, str(dt)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return directory

def timed(command, cwd=None):
    """Seconds of wall and CPU, MB at most, and what it said."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = child.stdout.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said

def brian(directory):
    _, cpu, memory, _ = timed(["./main"], cwd=directory)
    return float(open(f"{directory}/results/last_run_info.txt").read().split()[0]), cpu, memory

def bouton(threads, out, *sets):
    command = [binary, "--catalogue", CATALOGUE, "run", MODEL, "--json", "--threads", str(threads), "--out", f"{folder}/{out}"]
    return timed(command + [x for s in sets for x in ("--set", s)])

def found(said):
    facts = {f["name"]: f["value"] for f in json.loads(said)["conditions"][0]["facts"]}
    return facts["all: vesicles a synapse"], facts["all: r open, mean over time"]

def read(directory, *more):
    done = subprocess.run([sys.executable, script("read", READ), directory, *more], check=True, stdout=subprocess.PIPE)
    lines = done.stdout.decode().splitlines()
    return [float(x) for x in lines[0].split()], [float(x) for x in lines[1].split()] if more else None

def reference(at, steps, every, fine=400):
    """Open share after 3 mM at `at` ms, by fourth-order Runge and Kutta with steps of every / fine."""
    from math import exp
    k = RATES
    def slope(p, l):
        a, b, o, d = p
        free = 1 - a - b - o - d
        return (k["k1"] * l * free - k["u1"] * a - k["k2"] * l * a + k["u2"] * b,
                k["k2"] * l * a - k["u2"] * b - k["o"] * b + k["c"] * o - k["d"] * b + k["r"] * d,
                k["o"] * b - k["c"] * o, k["d"] * b - k["r"] * d)
    p, out, h = (0.0,) * 4, [], every / fine
    for step in range(steps):
        out.append(p[2])
        for f in range(fine):
            t = step * every + f * h - at
            if t < -1e-9:
                continue
            l = lambda s: 3 * exp(-(t + s))
            to = lambda s, x: tuple(p + x * s for p, s in zip(p, s))
            s1 = slope(p, l(0)); s2 = slope(to(s1, h / 2), l(h / 2))
            s3 = slope(to(s2, h / 2), l(h / 2)); s4 = slope(to(s3, h), l(h))
            p = tuple(p + h / 6 * (a + 2 * b + 2 * c + d) for p, a, b, c, d in zip(p, s1, s2, s3, s4))
    return out

def middle(values):
    q = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{statistics.median(values):8.3f} s [{q[0]:.3f}, {q[2]:.3f}]"

# Errors of a receptor's course after three vesicles at 1 ms.
steps = 600
truth = reference(1.0, steps, 0.05)
peak = max(truth)
print(f"largest error of the open share after 3 mM at 1 ms, of its peak of {peak:.4f}")
# Brian2 lets a spike act at the end of its step: its course is compared with one that begins there.
FINE = 5
for dt in (50, FINE):
    single = built(f"brian-{dt}", 1, 1, "single", dt)
    brian(single)
    theirs = read(single, "course")[1]
    error = max(abs(a - b) for a, b in zip(theirs, reference(1.0 + dt / 1000, steps, 0.05))) / peak
    print(f"  Brian2, rk4, {dt:2} us         {error:9.1e}")
model = f"{folder}/single.toml"
at = [1.5, 2.0, 3.0, 5.0, 10.0, 25.0]
measures = "".join(f'measure.at_{k} = {{ of = "all.receptor.r.open", take = ["final"], after = "0 ms", until = "{t} ms" }}\n'
                   for k, t in enumerate(at))
text = open(MODEL).read().replace("200 ms", "30 ms").replace('rate  = "10 Hz"', 'times = ["1 ms"]').replace("100_000", "1")
text = text.replace("docked = 10, release_probability = 0.3", "docked = 3, release_probability = 1")
for step in ("50 us", "25 us"):
    open(model, "w").write(measures + text.replace("50 us", step))
    command = [binary, "--catalogue", CATALOGUE, "run", model, "--json", "--out", f"{folder}/single-{step[:2]}"]
    values = [m["mean"] for m in json.loads(timed(command)[3])["conditions"][0]["measures"]]
    worst = max(abs(v - truth[round(t / 0.05)]) for v, t in zip(values, at)) / peak
    print(f"  Bouton, steps of {step}     {worst:9.1e}")

N = 100_000
which = {threads: built(f"population-{threads}", threads, N, "population") for threads in THREADS}
took = {}
for k in range(runs):
    for threads in THREADS:
        mine, theirs = bouton(threads, f"{threads}-{k}"), brian(which[threads])
        took.setdefault(threads, []).append((mine, theirs))
print(f"{N} synapses, 0.2 s, {runs} runs each: Bouton whole command, Brian2 its own run without building; CPU beside")
for threads, pairs in took.items():
    mine, theirs = [p[0][0] for p in pairs], [p[1][0] for p in pairs]
    cpu = [statistics.median(p[i][1] for p in pairs) for i in (0, 1)]
    ratio = statistics.median(b / a for a, b in zip(mine, theirs))
    print(f"  {threads} threads  Bouton {middle(mine)} cpu {cpu[0]:.2f} s   Brian2 {middle(theirs)} cpu {cpu[1]:.2f} s   ratio {ratio:.0f}")
# At an error nearer to Bouton's; once, for it takes long.
fine = brian(built("fine", THREADS[0], N, "population", FINE))
own = statistics.median(p[0][0] for p in took[THREADS[0]])
print(f"  Brian2 with steps of {FINE} us, {THREADS[0]} threads: {fine[0]:.2f} s, ratio {fine[0] / own:.0f}")
mine, theirs = found(took[THREADS[0]][0][0][3]), read(which[THREADS[0]])[0]
print(f"vesicles a synapse   Bouton {mine[0]:.4f}   Brian2 {theirs[0]:.4f}   exact mean 4.8723")
print(f"open, mean over time Bouton {mine[1]:.5f}  Brian2 {theirs[1]:.5f} (of 10,000 synapses)")
print(f"memory               Bouton {max(p[0][2] for p in took[THREADS[0]]):.0f} MB   Brian2 {max(p[1][2] for p in took[THREADS[0]]):.0f} MB")
