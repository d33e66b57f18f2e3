"""The prose of the report.

What belongs here: what a reader must know to read the tables, wrapped as Markdown. What does not: figures, save in
braces.
"""

OPENING = """\
# How well trend breaks are found

Made by `{command}`; do not edit. Everything here is simulated: panels of 340 fictional municipalities
by {indicators}, seeds {seeds}. Parameters of the detection were chosen on
seeds {tuning}, which are not reported.

A panel holds counts by population (5,000 to 900,000 inhabitants, skewed as in the Netherlands), rounded to 5, below 10
suppressed, with half-year seasonality, periods not delivered in 4 % of the series, and a provisional newest period. In
15 % of the series something is planted: a level shift of 10 to 60 % up or down, a one-off, a change of slope or a wrong
scale, at any period, the newest included; one in twelve of those gets a second one. `plain` varies little beyond
counting; `misspecified` has heavy tails, random walks, shocks of whole areas, own slopes and own seasons, and more
variance than Poisson, each in another strength per indicator. Code: `pipelines/breaks/evaluation/`.

A planted break is found by an alarm on its series within one period of the first that differs (two for a slope). A
false alarm is a clean series that is flagged anywhere. Gaps, changes of rounding and copies are findings, but never
counted. Precision also counts broken series that are flagged somewhere else."""

METHODS = """\
F1 where each method may flag 20 of 1,000 clean series; the line is drawn over all panels of a column together. PELT and
Binseg are those of ruptures with squared errors and jump 1; their score is the largest penalty at which a change stays.
Binseg runs on one indicator per seed."""

OWN = "False alarms per 1,000 clean series by each method's own threshold, and F1 there."

POWER = "Recall at 20 false alarms per 1,000, 16 periods; the number of planted breaks stands behind it."

BY_SIZE = "Level shifts by size and by the people counted in the median period, {generator}:"

NOISES = """\
The detection on noise that neither of the two generators has, 16 periods. What the research behind the bars calls
misspecified is told in words only; `misspecified` is a mild reading of it, `severe` a harsh one. `severe` came first:
which of the two the bar is held against was chosen after an earlier detection had been measured on both (tuning seeds).
So read the bar as held for the mild one only."""

PANELS = "Other panels than counts of 340 municipalities per half-year, `misspecified`, 16 periods:"

COMMON = """\
A common step of the whole country (12 to 45 %) or of a cooperation (20 to 50 %) must be one finding under its own code.
Members: clean series of the country or cooperation that alarm within one period of it, which should be no more than the
usual false alarms."""

CAUSES = """\
Six indicators; per forty municipalities one or two events that break part of their scope and two or three that break
nothing, overlapping in scope and window, some of them events of the whole country. Of the planted breaks that alarmed:
how often the event named first is the cause, where two or more could have done it and where only one could; beside it
the rules of thumb on all breaks where two or more could. Then how often `explained` is right, and how often a break
without a registered cause is explained all the same. These competing events were changed while the attribution was
built, so that the figures tell what it can do on events like these, and not that it was tested blind."""

REGISTER = "F1 at 20 false alarms per 1,000 on the same panels, without and with the register of events:"

LINKS = """\
Link factors of measurement events: how many of those due were given, how often the 95 % interval holds the true factor,
the error of its log (root mean square), that of the ratio of the first year over the year before on all such breaks,
and how often a factor was given for a break that was no change of measurement or had no registered cause (a wrong scale
aside, whose factor is exact)."""

TOLD = """\
Per series the detection tells the smallest lasting rise that it would have found with 80 % power: that alarms by the
default threshold within one period of where it begins, on average over all periods with two figures or more on either
side. Here 15 % of the series got a rise of just that size; the share found should be about .80. Series that tell more
than 100 % got none."""

LIMITS = """\
What is missed is mostly a shift below 20 %, or a series that counts fewer than a hundred people: there counting alone
moves a figure about as much as the shift does. Heavy tails and variance well beyond Poisson cost most of the rest. The
detection says per series what it could have found (`detectable_effect_pct`); read that against the table above, which
tells how often a shift of that size was really found."""
