import cluster from "node:cluster";
import { availableParallelism } from "node:os";

// perCore runs the service in one process per core.
export async function perCore(service) {
  if (!cluster.isPrimary) return service();
  for (let n = 0; n < availableParallelism(); n++) cluster.fork();
  process.on("SIGINT", () => process.exit(0));
}
