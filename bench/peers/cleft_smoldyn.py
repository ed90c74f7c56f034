"""W1 in Smoldyn: model.json, trials, seed, step in us. Says seconds to run (reading the model is not in them), and sums of free molecules and of the
open state, and of their squares, at each time.

Sites are molecules on the lower membrane; Smoldyn's lengths are um, its times s.
"""
import json, os, sys, tempfile, time
import smoldyn
from smoldyn._smoldyn import MolecState

model, trials, seed, step = json.load(open(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
MOLECULES = 602214.076  # a um3 at 1 mM

def config(seed):
    h, d = model["height"], 1e3 * model["diffusion"]
    lines = ["dim 3", f"random_seed {seed}", "time_start 0", "time_stop 0.01", f"time_step {step * 1e-6}"]
    if "radius" in model:
        r = model["radius"]
        lines += [f"boundaries {x} {-1.2 * r} {1.2 * r}" for x in "xy"] + [f"boundaries z {-0.1 * h} {1.1 * h}"]
    else:
        r = model["side"] / 2
        lines += [f"boundaries {x} {-1.1 * r} {1.1 * r}" for x in "xy"] + [f"boundaries z {-0.1 * h} {1.1 * h}"]
    names = [[f"s{k}_{s}" for s in range(m["states"])] for k, m in enumerate(model["members"])]
    lines += ["species g " + " ".join(n for own in names for n in own), f"difc g {d}"]
    def panel(name, z, up):
        if "radius" in model:
            return f"panel disk 0 0 {z} {1.001 * r} 0 0 {1 if up else -1} 20 {name}"
        return f"panel rect {'+' if up else '-'}z {-r} {-r} {z} {2 * r} {2 * r} {name}"
    for name, z, up in (("lower", 0, True), ("upper", h, False)):
        lines += [f"start_surface {name}", "action g both reflect", panel("p_" + name, z, up), "end_surface"]
    if "radius" in model:
        lines += ["start_surface rim", "action g both absorb", f"panel cyl 0 0 {-0.05 * h} 0 0 {1.05 * h} {r} 20 20 p_rim", "end_surface"]
    else:
        low, tall = -0.05 * h, 1.1 * h
        lines += ["start_surface rim", "action g both absorb"]
        lines += [f"panel rect {'-' if x > 0 else '+'}x {x} {-r} {low} {2 * r} {tall} p_x{k}" for k, x in enumerate((-r, r))]
        lines += [f"panel rect {'-' if y > 0 else '+'}y {-r} {y} {low} {2 * r} {tall} p_y{k}" for k, y in enumerate((-r, r))]
        lines.append("end_surface")
    for k, m in enumerate(model["members"]):
        for j, (a, b, rate, what) in enumerate(m["steps"]):
            left, right = f"{names[k][a]}(up)", f"{names[k][b]}(up)"
            if what > 0:
                lines.append(f"reaction r{k}_{j} {left} + g(fsoln) -> {right} {rate / MOLECULES * 1e3:.9g}")
            elif what < 0:
                lines.append(f"reaction r{k}_{j} {left} -> {right} + g(fsoln) {1e3 * rate:.9g}")
            else:
                lines.append(f"reaction r{k}_{j} {left} -> {right} {1e3 * rate:.9g}")
    lines.append(f"mol {model['release']} g 0 0 {0.999999 * h}")
    for k, m in enumerate(model["members"]):
        lines += [f"surface_mol 1 {names[k][0]}(up) lower {'disk' if 'radius' in model else 'rect'} p_lower {x} {y} 0" for x, y in m["places"]]
    return "\n".join(lines) + "\n", names

class Quiet:
    """Smoldyn tells much on standard output."""
    def __enter__(self):
        sys.stdout.flush()
        self.kept = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    def __exit__(self, *_):
        sys.stdout.flush()
        os.dup2(self.kept, 1)

spent, free, opened = 0.0, [[0] * len(model["times"]) for _ in range(2)], [[0] * len(model["times"]) for _ in range(2)]
with tempfile.TemporaryDirectory() as folder, Quiet():
    for trial in range(trials):
        text, names = config(seed * 1000 + trial)
        path = os.path.join(folder, "model.txt")
        open(path, "w").write(text)
        simulation = smoldyn.Simulation.fromFile(path)
        simulation.updateSim()
        watched = names[model["open"][0]][model["open"][1]]
        for k, t in enumerate(model["times"]):
            start = time.perf_counter()
            simulation.runSimUntil(t * 1e-6)
            spent += time.perf_counter() - start
            for sums, species in ((free, "g"), (opened, watched)):
                n = simulation.getMoleculeCount(species, MolecState.all)
                sums[0][k] += n
                sums[1][k] += n * n
print(json.dumps({"seconds": spent, "trials": trials, "free": free, "open": opened}))
