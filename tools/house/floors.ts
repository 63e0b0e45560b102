/**
 * The rooms of the product from the ground up. A file belongs to the row with the longest matching path, and imports only from its own
 * row and from rows above it in this list that stand in an earlier group: rooms of one group do not know each other.
 */
export const floors: readonly (readonly string[])[] = [
  // The contract: objects, and what is known of the cluster.
  ['crds', 'cells/version.ts'],
  // What every process stands on; messages; facts.
  ['cells/wire', 'cells/chassis', 'operator/observed'],
  ['cells/kube', 'cells/bus', 'cells/identity', 'operator/desired'],
  ['cells/rtc', 'cells/sockets', 'cells/process.ts', 'cells/realm-host.ts', 'operator/desired/rollout'],
  [
    'cells/archipelago/core',
    'cells/connector/core',
    'cells/gatekeeper/core',
    'cells/pulse/core',
    'cells/pulse/enet',
    'cells/realm-provider/core',
    'cells/rooms/core',
    'cells/stats/core',
  ],
  // The services: none of them knows another.
  [
    'cells/archipelago',
    'cells/connector',
    'cells/gatekeeper',
    'cells/pulse',
    'cells/realm-provider',
    'cells/rooms',
    'cells/stats',
  ],
  ['cells/archipelago/main.ts', 'cells/compact'],
  ['cells/gatekeeper/main.ts'],
  ['cells/main.ts'],
  // The operator: decisions are pure, up to the manifests and the status.
  ['operator/desired/cells', 'operator/desired/scale'],
  ['operator/desired/plan.ts'],
  ['operator/desired/world-plan.ts'],
  ['operator/desired/manifests', 'operator/desired/status'],
  ['operator/leader'],
  ['operator/events', 'operator/observers'],
  ['operator/reconcile'],
  ['operator/kubernetes', 'operator/local'],
  ['operator/kubernetes/cache'],
  ['operator/kubernetes/apply'],
  ['operator/kubernetes/kubernetes-cluster.ts'],
  ['operator'],
  ['cli/island-map', 'cli/manifest.ts', 'cli/output', 'cli/cluster', 'cli/join', 'cli/install'],
  ['cli/render.ts', 'cli/doctor', 'cli/forward'],
  ['cli/adapters', 'cli/report'],
  ['cli/commands'],
  ['cli'],
]

/** The row a file belongs to, and its height; nothing for a file without a row. */
export function roomOf(file: string): { room: string; floor: number } | undefined {
  const rows = floors.flatMap((rooms, floor) => rooms.map((room) => ({ room, floor })))
  return rows.filter(({ room }) => file === room || file.startsWith(`${room}/`)).sort((a, b) => b.room.length - a.room.length)[0]
}
