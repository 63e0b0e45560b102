import type { ServerOptions } from 'ws'

/**
 * Options of every WebSocket server of ours: upgrades are handed to it, explorers expect no compression (comms.md §0), and each
 * service keeps its own list of connections.
 */
export const socketOptions = { noServer: true, perMessageDeflate: false, clientTracking: false } as const satisfies ServerOptions
