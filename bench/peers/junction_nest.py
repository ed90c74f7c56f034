"""W6 in NEST, for speed alone: network.json, threads, steps of dt ms. Says seconds to build, seconds to run, and how many spikes.

Its `hh_psc_alpha_gap` has other rates, conductances and capacitance than W6, so currents and conductances are scaled with the
capacitance; junctions by waveform relaxation with its defaults.
"""
import json, sys, time
import nest

network, threads, dt, tstop = json.load(open(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
nest.verbosity = nest.VerbosityLevel.ERROR
began = time.perf_counter()
nest.ResetKernel()
nest.SetKernelStatus({"resolution": dt, "local_num_threads": threads, "use_wfr": True})
capacitance = nest.GetDefaults("hh_psc_alpha_gap")["C_m"]
area = 3.141592653589793 * network["diameter"] ** 2
larger = capacitance / (0.01 * area)
cells = nest.Create("hh_psc_alpha_gap", len(network["current"]))
cells.set({"I_e": [1e3 * larger * current for current in network["current"]]})
first = cells[0].global_id
sides = [[first + junction[side] for junction in network["junctions"]] for side in (0, 1)]
weights = [1e3 * larger * g for _, _, g in network["junctions"]]
for a, b in sides, sides[::-1]:
    nest.Connect(a, b, "one_to_one", {"synapse_model": "gap_junction", "weight": weights})
recorder = nest.Create("spike_recorder")
nest.Connect(cells, recorder)
nest.Prepare()
built = time.perf_counter() - began
began = time.perf_counter()
nest.Run(tstop)
ran = time.perf_counter() - began
print(json.dumps({"build": built, "run": ran, "count": recorder.n_events}))
