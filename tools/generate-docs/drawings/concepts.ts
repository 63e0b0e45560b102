import { type Arrow, type Drawing, svgOf } from './drawing.ts'

const realm: Drawing = {
  title: 'From a Realm to what runs, and to players',
  size: [760, 330],
  boxes: [
    { at: [20, 30], size: [120, 50], text: 'Realm', small: ['you write it'], look: 'yours' },
    { at: [200, 30], size: [120, 50], text: 'operator' },
    { at: [20, 220], size: [144, 60], text: 'realm provider', small: ['/main/about'] },
    { at: [200, 225], size: [120, 50], text: 'explorer', small: ['a player'], look: 'yours' },
    { at: [400, 20], size: [340, 290], text: 'what the operator runs for this realm', look: 'frame' },
    { at: [430, 60], size: [130, 50], text: 'CommsCell 0' },
    { at: [580, 60], size: [130, 50], text: 'CommsCell 1' },
    { at: [430, 135], size: [130, 50], text: 'gatekeeper', small: ['rooms, bans'] },
    { at: [580, 135], size: [130, 50], text: 'statistics', small: ['who is where'] },
    { at: [430, 235], size: [130, 50], text: 'NATS', small: ['managed or yours'], look: 'yours' },
    { at: [580, 235], size: [130, 50], text: 'LiveKit', small: ['yours in production'], look: 'yours' },
  ],
  arrows: [
    { from: [140, 55], to: [200, 55] },
    { from: [320, 55], to: [400, 55], text: 'creates' },
    { from: [80, 220], to: [80, 80], text: 'reads', textAt: [108, 160] },
    { from: [200, 250], to: [164, 250], text: 'asks' },
    { from: [320, 250], to: [400, 160], text: 'connects', textAt: [318, 188] },
  ],
}

const cell: Drawing = {
  title: 'One cell: connectors, archipelagos and the bus between them',
  size: [760, 300],
  boxes: [
    { at: [20, 60], size: [100, 50], text: 'players', look: 'yours' },
    { at: [20, 180], size: [100, 50], text: 'players', look: 'yours' },
    { at: [200, 20], size: [540, 260], text: 'CommsCell main-0', look: 'frame' },
    { at: [230, 60], size: [130, 50], text: 'connector', small: ['WebSockets'] },
    { at: [230, 180], size: [130, 50], text: 'connector', small: ['WebSockets'] },
    { at: [420, 115], size: [100, 60], text: 'NATS', small: ['the bus'], look: 'yours' },
    { at: [580, 60], size: [140, 50], text: 'archipelago', small: ['active'] },
    { at: [580, 180], size: [140, 50], text: 'archipelago', small: ['on standby'] },
  ],
  arrows: [
    { from: [120, 85], to: [230, 85] },
    { from: [120, 205], to: [230, 205] },
    { from: [360, 95], to: [420, 130], text: 'positions', textAt: [410, 100], both: true },
    { from: [360, 195], to: [420, 160], both: true },
    { from: [520, 130], to: [580, 95], text: 'islands', textAt: [535, 97], both: true },
    { from: [520, 160], to: [580, 195], dashed: true },
  ],
}

const slotRow = (y: number, slot: number): Drawing['boxes'] => [
  { at: [20, y], size: [240, 46], text: `…/cells/${slot}`, small: ['the URL that explorers keep'], look: 'yours' },
  { at: [330, y], size: [130, 46], text: `slot ${slot}`, small: ['alias Service'] },
]

const slot: Drawing = {
  title: 'Three slots and two cells: the slot without a cell leads to another one',
  size: [760, 260],
  boxes: [
    ...(slotRow(30, 0) ?? []),
    ...(slotRow(106, 1) ?? []),
    ...(slotRow(182, 2) ?? []),
    { at: [580, 30], size: [150, 46], text: 'cell main-0' },
    { at: [580, 106], size: [150, 46], text: 'no cell', look: 'absent' },
    { at: [580, 182], size: [150, 46], text: 'cell main-2' },
  ],
  arrows: [
    ...[53, 129, 205].map((y): Arrow => ({ from: [260, y], to: [330, y] })),
    { from: [460, 53], to: [580, 53] },
    { from: [460, 129], to: [580, 64], dashed: true },
    { from: [460, 205], to: [580, 205] },
  ],
}

const island: Drawing = {
  title: 'Two islands, and a player between them',
  size: [760, 300],
  dots: [
    { at: [190, 150], radius: 118, look: 'island' },
    { at: [590, 150], radius: 100, look: 'island' },
    { at: [240, 170], radius: 80, look: 'reach' },
    ...(
      [
        [130, 120],
        [170, 190],
        [240, 170],
        [220, 95],
        [560, 120],
        [620, 170],
        [575, 200],
      ] as const
    ).map((at) => ({
      at,
      radius: 6,
      look: 'peer' as const,
    })),
    { at: [420, 150], radius: 6, look: 'peer' },
  ],
  arrows: [{ from: [240, 170], to: [318, 170], text: '64 m: joins', textAt: [284, 160] }],
  words: [
    { at: [190, 288], text: 'one island: each is within reach of another' },
    { at: [420, 180], text: 'an island of one' },
    { at: [590, 275], text: 'another island, another room' },
  ],
}

const room: Drawing = {
  title: 'The two rooms of a player',
  size: [760, 290],
  boxes: [
    { at: [20, 115], size: [110, 60], text: 'explorer', look: 'yours' },
    { at: [220, 30], size: [150, 56], text: 'archipelago', small: ['through the connector'] },
    { at: [220, 204], size: [150, 56], text: 'gatekeeper', small: ['bans, scene admins'] },
    { at: [480, 20], size: [260, 250], text: 'LiveKit, or embedded rooms', look: 'frame' },
    { at: [510, 60], size: [200, 70], text: 'room of the island', small: ['voice, chat, profiles'], look: 'yours' },
    { at: [510, 180], size: [200, 70], text: 'room of the scene', small: ['messages of the scene'], look: 'yours' },
  ],
  arrows: [
    { from: [220, 62], to: [120, 115], text: 'address and token', textAt: [120, 74] },
    { from: [110, 175], to: [220, 228], text: 'signed request', textAt: [115, 225] },
    { from: [130, 135], to: [510, 100], text: 'media', textAt: [400, 104] },
    { from: [130, 155], to: [510, 210], text: 'media', textAt: [430, 192] },
  ],
}

const relay: Drawing = {
  title: 'The movement relay beside the realms',
  size: [760, 270],
  boxes: [
    { at: [20, 30], size: [120, 50], text: 'explorer', look: 'yours' },
    { at: [20, 190], size: [120, 50], text: 'explorer', look: 'yours' },
    { at: [320, 100], size: [160, 70], text: 'movement relay', small: ['UDP port 7777'] },
    { at: [580, 30], size: [160, 50], text: 'connectors', small: ['of realm main'] },
    { at: [580, 190], size: [160, 50], text: 'connectors', small: ['of another realm'] },
  ],
  arrows: [
    { from: [140, 60], to: [320, 120], text: 'how players move', textAt: [274, 68], both: true },
    { from: [140, 210], to: [320, 152], both: true },
    { from: [580, 60], to: [480, 118], text: 'sessions, bans', textAt: [600, 106] },
    { from: [580, 210], to: [480, 154] },
  ],
  words: [{ at: [400, 200], text: 'one for all realms of an installation' }],
}

const publication: Drawing = {
  title: 'How explorers find a realm, also in other clusters',
  size: [760, 290],
  boxes: [
    { at: [20, 30], size: [330, 240], text: 'this cluster', look: 'frame' },
    { at: [40, 70], size: [130, 56], text: 'Realm', small: ['status.endpoints'], look: 'yours' },
    { at: [200, 70], size: [130, 56], text: 'operator' },
    { at: [40, 190], size: [150, 56], text: 'realm provider' },
    { at: [430, 30], size: [190, 110], text: 'another cluster', look: 'frame' },
    { at: [450, 66], size: [150, 56], text: 'realm provider', small: ['keeps a lease'] },
    { at: [450, 200], size: [130, 50], text: 'explorers', look: 'yours' },
  ],
  arrows: [
    { from: [200, 98], to: [170, 98] },
    { from: [105, 190], to: [105, 126], text: 'watches', textAt: [138, 162] },
    { from: [330, 98], to: [450, 94], text: 'HTTPS', textAt: [390, 86] },
    { from: [450, 225], to: [190, 220], text: '/main/about', textAt: [390, 215] },
    { from: [515, 200], to: [520, 122], text: '/main/about', textAt: [565, 168] },
  ],
}

/** The drawings of the concepts, by their files. */
export const conceptDrawings: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries({ realm, cell, slot, island, room, relay, publication }).map(([name, drawing]) => [
    `docs/concepts/${name}.svg`,
    () => svgOf(drawing),
  ]),
)
