/**
 * Whether LiveKit sends webhooks to the gatekeeper of a realm: they arrived, or none ever did although players are in its rooms, or
 * neither is known.
 */
export type ObservedWebhooks = 'arrive' | 'missing' | 'unknown'
