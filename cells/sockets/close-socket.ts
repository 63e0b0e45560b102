import type { WebSocket } from 'ws'

/** How a WebSocket is closed. */
export type SocketClose =
  /** By a close frame; without a code the frame is empty. */
  | { by: 'close'; code?: number; text?: string }
  /** By dropping the connection: a close frame would not be read, or would queue behind what the client does not read. */
  | { by: 'terminate' }
  /** By the client or the network: there is nothing left to close. */
  | { by: 'none' }

export function closeSocket(socket: WebSocket, close: SocketClose): void {
  if (close.by === 'terminate') socket.terminate()
  else if (close.by === 'close') socket.close(close.code, close.text)
}
