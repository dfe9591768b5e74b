/** What the machine and its devices have. */
import { useEffect, useState } from "react";
import { isObject, type Json } from "../../document/exact_json.ts";
import { getJson } from "../../service/http.ts";
import { sizeText } from "../parts/sizes.ts";

interface Device {
  readonly name: string;
  readonly total: number;
  readonly free: number;
}

function readDevices(stats: Json): Device[] {
  const list = isObject(stats) && Array.isArray(stats.devices) ? stats.devices.filter(isObject) : [];
  return list.map((device) => ({ name: String(device.name), total: Number(device.vram_total), free: Number(device.vram_free) }));
}

export function MachineMemory() {
  const [stats, setStats] = useState<Json>(null);
  useEffect(() => {
    const load = () => void getJson("/system_stats").then(setStats).catch(() => undefined);
    load();
    const timer = setInterval(load, 3000);
    return () => clearInterval(timer);
  }, []);
  const system = isObject(stats) && isObject(stats.system) ? stats.system : undefined;
  if (!system) return null;
  const meters: Device[] = [
    { name: "Memory of this machine", total: Number(system.ram_total), free: Number(system.ram_free) },
    ...readDevices(stats).filter((device) => !device.name.startsWith("cpu")),
  ];
  return (
    <section className="memory" aria-label="Memory">
      {meters.map((meter) => (
        <div className="card meter" key={meter.name}>
          <div className="row spread">
            <span className="soft clip" title={meter.name}>{meter.name}</span>
            <span>
              {sizeText(meter.total - meter.free)} <span className="faint">of {sizeText(meter.total)}</span>
            </span>
          </div>
          <div className="bar">
            <span style={{ transform: `scaleX(${meter.total > 0 ? 1 - meter.free / meter.total : 0})` }} />
          </div>
        </div>
      ))}
    </section>
  );
}
