/** The UDP port that explorers know; Unity knows no other. */
export const PULSE_PORT = 7_777
