import { declare } from './declaration.ts'

/** The endpoint of LiveKit's webhooks, which reads the body as text, because LiveKit signs its bytes. */
export const livekitWebhookRoute = declare({
  method: 'POST',
  path: '/livekit-webhook',
  authentication: 'none',
  summary: 'Events of rooms and participants, signed by LiveKit with its key. Who may not be in a room is removed from it.',
  callers: 'LiveKit',
  differs:
    'An event that cannot be processed now is 503, which LiveKit repeats, and not 400. The answer does not repeat the body.',
  test: 'cells/gatekeeper/livekit/room-guard.test.ts',
  answers: {
    200: { description: 'Processed, or of no interest.' },
    400: { description: 'Not signed by this LiveKit, or no event.' },
  },
})
