import type { Verdict } from '../../identity/verifier.ts'
import type { ClientMessage, HeartbeatMessage } from '../../wire/packets.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import type { ConnectorCloseReason } from './connector-close-reasons.ts'

/** How far a socket has come (comms.md §4.1). */
export type ConnectorState =
  | { readonly at: 'start' }
  | { readonly at: 'challenged'; readonly challenge: string }
  | { readonly at: 'verifying' }
  | { readonly at: 'welcomed'; readonly peer: PeerId }
  | { readonly at: 'over' }

/** What may happen to a socket. */
export type ConnectorEvent =
  /** A frame arrived; nothing when its bytes are no protobuf. */
  | { is: 'message'; message: ClientMessage | undefined }
  /** The signature was judged, and the wallet looked up among the banned. */
  | { is: 'verdict'; verdict: Verdict; banned: boolean }
  /** We end it, or it ended, for a reason of our own or of the line. */
  | { is: 'ended'; ending: ConnectorCloseReason }

/** What there is to do about it, in order. */
export type ConnectorEffect =
  | { do: 'challenge'; challenge: string; alreadyConnected: boolean }
  | { do: 'verify'; authChainJson: string; challenge: string }
  /** Register the session in place of an older one of the same wallet, say welcome, tell the bus. */
  | { do: 'welcome'; peer: PeerId }
  | { do: 'heartbeat'; heartbeat: HeartbeatMessage; payload: Uint8Array }
  /** Say goodbye to the client as the ending demands. */
  | { do: 'end'; ending: ConnectorCloseReason }
  /** Forget the session and tell the bus that its player left. */
  | { do: 'leave'; peer: PeerId; ending: ConnectorCloseReason }

/** What the machine has to know of the world around it. */
export interface ConnectorFacts {
  /** A challenge nobody can guess, never given twice; `dcl-` and no colon after it (comms.md §0.1). */
  freshChallenge(): string
  /** Whether the wallet is on the deny list. */
  isDenied(peer: PeerId): boolean
  /** Whether the wallet has a session here. */
  isConnected(peer: PeerId): boolean
}

/** A step of the machine. */
export interface ConnectorStep {
  state: ConnectorState
  effects: readonly ConnectorEffect[]
}

/** Where every socket begins. */
export const START: ConnectorState = { at: 'start' }

const OVER: ConnectorState = { at: 'over' }
const VERIFYING: ConnectorState = { at: 'verifying' }
const NOTHING: readonly ConnectorEffect[] = []

/** What follows from an event. Total: every event has an answer in every state, and nothing follows once it is over. */
export function connectorStep(state: ConnectorState, event: ConnectorEvent, facts: ConnectorFacts): ConnectorStep {
  if (state.at === 'over') return { state, effects: NOTHING }
  switch (event.is) {
    case 'ended':
      return ended(state, event.ending)
    case 'verdict':
      return state.at === 'verifying' ? judged(state, event.verdict, event.banned, facts) : { state, effects: NOTHING }
    case 'message':
      return event.message ? heard(state, event.message, facts) : ended(state, 'malformed')
  }
}

function heard(state: ConnectorState, message: ClientMessage, facts: ConnectorFacts): ConnectorStep {
  if (state.at === 'welcomed') {
    // §4.1: anything else that decodes is ignored, so that clients may learn new words before we do.
    if (message.kind !== 'heartbeat') return { state, effects: NOTHING }
    return { state, effects: [{ do: 'heartbeat', heartbeat: message.heartbeat, payload: message.payload }] }
  }
  if (state.at === 'start' && message.kind === 'challengeRequest') return asked(state, message.address, facts)
  if (state.at === 'challenged' && message.kind === 'signedChallenge') {
    // A second answer while the first is judged is a wrong message for its state: one signature check per socket.
    return {
      state: VERIFYING,
      effects: [{ do: 'verify', authChainJson: message.authChainJson, challenge: state.challenge }],
    }
  }
  return ended(state, 'unexpected')
}

function asked(state: ConnectorState, address: string, facts: ConnectorFacts): ConnectorStep {
  const claimed = parsePeerId(address)
  if (!claimed) return ended(state, 'bad_address')
  if (facts.isDenied(claimed)) return ended(state, 'denied')
  const challenge = facts.freshChallenge()
  return {
    state: { at: 'challenged', challenge },
    effects: [{ do: 'challenge', challenge, alreadyConnected: facts.isConnected(claimed) }],
  }
}

/** §4.7: the wallet that signed is welcomed, even where another one was claimed at the start. */
function judged(state: ConnectorState, verdict: Verdict, banned: boolean, facts: ConnectorFacts): ConnectorStep {
  if (!verdict.ok) return ended(state, 'bad_chain')
  const { peer } = verdict
  if (facts.isDenied(peer)) return ended(state, 'denied')
  if (banned) return ended(state, 'banned')
  return { state: { at: 'welcomed', peer }, effects: [{ do: 'welcome', peer }] }
}

function ended(state: ConnectorState, ending: ConnectorCloseReason): ConnectorStep {
  const goodbye: ConnectorEffect = { do: 'end', ending }
  // A superseded player has not left: the newer session speaks for it, and a disconnect would take it off its island.
  if (state.at !== 'welcomed' || ending === 'superseded') return { state: OVER, effects: [goodbye] }
  return { state: OVER, effects: [goodbye, { do: 'leave', peer: state.peer, ending }] }
}
