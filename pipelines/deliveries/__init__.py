"""From a declared source to rows and an account: fetch or find, keep the exact bytes, read, decide what is current.

Plain functions that know nothing of Dagster or of the warehouse. What is fetched comes from `connectors`, what
the bytes mean from `readers`; here it is decided which vintage of a delivery counts. One module per way in which
deliveries come.
"""

from pipelines.deliveries.accounts import Delivery, SourceLoad
from pipelines.deliveries.cbs import fetch_cbs_source, load_cbs_source
from pipelines.deliveries.folder import load_folder_source

__all__ = ["Delivery", "SourceLoad", "fetch_cbs_source", "load_cbs_source", "load_folder_source"]
