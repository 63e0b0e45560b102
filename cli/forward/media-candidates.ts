import { SignalRequest, SignalResponse } from '@livekit/protocol'

// LiveKit and its clients tell each other addresses for media (ICE candidates, RFC 8839 §5.1). Of a pod that only the API server reaches,
// the TCP port is the one that works, through a port of this machine; addresses for UDP would lead to other hosts, or to none.

const CANDIDATE = /candidate:\S+ \d+ (\S+) \d+ (\S+ \d+) typ (\S+)/i
const LOCAL = '127.0.0.1'

/** A candidate of a LiveKit as clients of this machine reach it; undefined where they do not. @param port that leads to its TCP port */
export function localCandidate(candidate: string, port: number): string | undefined {
  const [, transport = '', address = '', type] = CANDIDATE.exec(candidate) ?? []
  if (transport.toLowerCase() !== 'tcp' || type !== 'host') return undefined
  return candidate.replace(` ${address} typ `, ` ${LOCAL} ${port} typ `)
}

/** What a LiveKit sends to a client; undefined = nothing of it is left. */
export function localSignal(bytes: Uint8Array, port: number): Uint8Array | undefined {
  return changed(SignalResponse, bytes, (candidate) => localCandidate(candidate, port))
}

/** What a client sends to a LiveKit: without addresses for UDP, which the pod might reach past this machine, or never. */
export function clientSignal(bytes: Uint8Array): Uint8Array | undefined {
  return changed(SignalRequest, bytes, (candidate) => (/candidate:\S+ \d+ tcp /i.test(candidate) ? candidate : undefined))
}

type Change = (candidate: string) => string | undefined

function changed(type: typeof SignalRequest | typeof SignalResponse, bytes: Uint8Array, change: Change): Uint8Array | undefined {
  const signal = readSignal(type, bytes)
  const { message } = signal ?? {}
  if (!signal || !message) return bytes
  if (message.case === 'offer' || message.case === 'answer') message.value.sdp = changedDescription(message.value.sdp, change)
  else if (message.case === 'trickle') {
    const init = changedTrickle(message.value.candidateInit, change)
    if (init === undefined) return undefined
    message.value.candidateInit = init
  } else return bytes
  return signal.toBinary()
}

function readSignal(type: typeof SignalRequest | typeof SignalResponse, bytes: Uint8Array) {
  try {
    return type.fromBinary(bytes)
  } catch {
    return undefined
  }
}

const changedDescription = (sdp: string, change: Change): string =>
  sdp
    .split('\r\n')
    .flatMap((line) => (line.startsWith('a=candidate:') ? (change(line) ?? []) : [line]))
    .join('\r\n')

/** @param init JSON with a candidate; an empty one says that there are no more */
function changedTrickle(init: string, change: Change): string | undefined {
  try {
    const parsed = JSON.parse(init) as { candidate?: unknown }
    if (typeof parsed.candidate !== 'string' || parsed.candidate === '') return init
    const candidate = change(parsed.candidate)
    return candidate === undefined ? undefined : JSON.stringify({ ...parsed, candidate })
  } catch {
    return init
  }
}
