/** The screens that the console is tried at and drawn on: width and height in pixels. */
export const SCREENS = { wall: [1920, 1080], laptop: [1280, 800], phone: [390, 844] } as const
