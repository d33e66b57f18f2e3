-- What the steps of earlier runs took and made. The run that publishes this has not ended yet, and is not in it.
select
    run_id,
    started_at,
    step,
    title_nl,
    seconds,
    rows,
    status,
    launched_by
from {{ source('runs', 'step') }}
