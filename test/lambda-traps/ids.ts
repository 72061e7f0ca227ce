// The known bugs of other HTTP adapters for Lambda, by id: a survey of November 2026, of issue trackers, changelogs and
// sources; seven of the adapters were run with sample events. The letter is the subject: query, path, headers, cookies, body,
// streaming, errors and results, ALB, Lattice, Lambda@Edge (G), trust (X), tools.
export const IDS = `
  Q-01 Q-02 Q-03 Q-04 Q-05 Q-07 Q-08 Q-09 Q-10 Q-11 Q-12 Q-13 Q-15 Q-17 Q-18 Q-19 Q-20 Q-22 Q-24 Q-25
  P-01 P-02 P-04 P-05 P-06 P-08 P-09 P-10 P-13 P-16 P-18 P-19 P-20 P-21 P-22 P-23 P-24 P-25 P-27 P-28
  H-01 H-02 H-04 H-06 H-07 H-08 H-11 H-12 H-13 H-15 H-16 H-17 H-18 H-19 H-23 H-24 H-25 H-26 H-27
  C-01 C-03 C-07 C-10 C-11 C-13 C-14 C-15 C-16
  B-01 B-02 B-03 B-05 B-06 B-08 B-09 B-10 B-11 B-12 B-13 B-14 B-15 B-16 B-17 B-18 B-19 B-20 B-22 B-23 B-24 B-25 B-26
  S-01 S-03 S-04 S-05 S-07 S-09 S-12 S-13 S-14 S-15 S-16 S-17 S-20 S-21 S-22 S-23
  E-01 E-02 E-04 E-05 E-07 E-08 E-09 E-10 E-11 E-12 E-13 E-14 E-15
  A-01 A-02 A-03 A-04 A-05 A-06 A-08 A-09
  L-01 L-02 L-03 L-04 L-05 L-08
  G-01 G-02 G-03 G-04 G-05 G-06 G-07 G-08 G-09 G-10 G-11 G-12 G-13 G-14
  X-02 X-03 X-04 X-05 X-06 X-07 X-08 X-09 X-11 X-14 X-15 X-16 X-17 X-18 X-19 X-20 X-23 X-24 X-25
  T-01 T-02 T-03 T-04 T-05
`
  .trim()
  .split(/\s+/);
