"""What each module of W&B's client finds in Runcast: the one table behind `import wandb`.

A module of W&B's names the modules of Runcast that answer for it, the first that has a name wins; `*` is every
name. So a class has one identity, however it is reached: each `Run` is `runcast.Run`.
"""

from __future__ import annotations

from collections.abc import Mapping

EVERYTHING = "*"

_ERRORS = "Error UsageError CommError AuthenticationError UnsupportedError"
_DATA_TYPES = (
    "Audio BatchableMedia BoundingBoxes2D Classes EvalTable Graph Histogram Html Image ImageMask JoinedTable Media "
    "Molecule Object3D PartitionedTable Plotly Table Video WBValue box3d"
)
_TERMINAL = "termlog termwarn termerror"

TABLE: Mapping[str, Mapping[str, str]] = {
    "wandb": {"runcast.shim.state": EVERYTHING, "runcast": EVERYTHING},
    "wandb.wandb_run": {"runcast": "Run"},
    "wandb.wandb_agent": {"runcast": "agent"},
    "wandb.data_types": {"runcast": _DATA_TYPES},
    "wandb.env": {"runcast.shim.env": EVERYTHING},
    "wandb.util": {"runcast.shim.util": EVERYTHING},
    "wandb.errors": {"runcast": _ERRORS},
    "wandb.errors.errors": {"runcast": _ERRORS},
    "wandb.errors.term": {"runcast": _TERMINAL},
    "wandb.plot": {"runcast.plot": EVERYTHING},
    "wandb.apis": {"runcast": "Api"},
    "wandb.apis.public": {"runcast": "Api"},
    # Inside.
    "wandb.sdk": {"runcast": f"Artifact Run Settings finish init login {_DATA_TYPES}"},
    "wandb.sdk.wandb_alerts": {"runcast": "AlertLevel"},
    "wandb.sdk.wandb_config": {"runcast.config": "Config"},
    "wandb.sdk.wandb_init": {"runcast": "init"},
    "wandb.sdk.wandb_login": {"runcast": "login"},
    "wandb.sdk.wandb_run": {"runcast": "Run restore"},
    "wandb.sdk.wandb_settings": {"runcast": "Settings"},
    "wandb.sdk.wandb_setup": {"runcast": "setup"},
    "wandb.sdk.wandb_summary": {"runcast.summary": "Summary"},
    "wandb.sdk.wandb_sweep": {"runcast": "sweep controller"},
    "wandb.sdk.wandb_watch": {"runcast": "watch unwatch"},
    "wandb.sdk.artifacts": {"runcast": "Artifact"},
    "wandb.sdk.artifacts.artifact": {"runcast": "Artifact"},
    "wandb.sdk.lib": {"runcast.shim.disabled": EVERYTHING},
    "wandb.sdk.lib.config_util": {"runcast": "ConfigError"},
    "wandb.sdk.lib.disabled": {"runcast.shim.disabled": EVERYTHING},
    "wandb.sdk.lib.ipython": {"runcast.shim.notebook": EVERYTHING},
    "wandb.sdk.lib.paths": {"runcast.shim.paths": EVERYTHING},
    "wandb.sdk.lib.runid": {"runcast.shim.util": "generate_id"},
    "wandb.sdk.lib.telemetry": {"runcast.shim.telemetry": EVERYTHING},
    "wandb.sdk.data_types": {"runcast": _DATA_TYPES},
    "wandb.sdk.data_types.audio": {"runcast": "Audio"},
    "wandb.sdk.data_types.base_types": {"runcast": "BatchableMedia Media WBValue"},
    "wandb.sdk.data_types.base_types.media": {"runcast": "BatchableMedia Media"},
    "wandb.sdk.data_types.base_types.wb_value": {"runcast": "WBValue"},
    "wandb.sdk.data_types.helper_types": {"runcast": "BoundingBoxes2D Classes ImageMask"},
    "wandb.sdk.data_types.helper_types.bounding_boxes_2d": {"runcast": "BoundingBoxes2D"},
    "wandb.sdk.data_types.helper_types.classes": {"runcast": "Classes"},
    "wandb.sdk.data_types.helper_types.image_mask": {"runcast": "ImageMask"},
    "wandb.sdk.data_types.graph": {"runcast": "Graph"},
    "wandb.sdk.data_types.histogram": {"runcast": "Histogram"},
    "wandb.sdk.data_types.html": {"runcast": "Html"},
    "wandb.sdk.data_types.image": {"runcast": "Image"},
    "wandb.sdk.data_types.molecule": {"runcast": "Molecule"},
    "wandb.sdk.data_types.object_3d": {"runcast": "Object3D box3d"},
    "wandb.sdk.data_types.plotly": {"runcast": "Plotly"},
    "wandb.sdk.data_types.table": {"runcast": "Table JoinedTable PartitionedTable"},
    "wandb.sdk.data_types.video": {"runcast": "Video"},
    # Integrations, under their new names and those that old programs use.
    "wandb.integration": {},
    "wandb.integration.catboost": {"runcast.integration.catboost": EVERYTHING},
    "wandb.integration.keras": {"runcast.integration.keras": EVERYTHING},
    "wandb.integration.keras.callbacks": {"runcast.integration.keras": EVERYTHING},
    "wandb.integration.lightgbm": {"runcast.integration.lightgbm": EVERYTHING},
    "wandb.integration.lightning": {},
    "wandb.integration.lightning.fabric": {"runcast.integration.lightning": "WandbLogger"},
    "wandb.integration.sacred": {"runcast.integration.sacred": EVERYTHING},
    "wandb.integration.sb3": {"runcast.integration.sb3": EVERYTHING},
    "wandb.integration.sklearn": {"runcast.integration.sklearn": EVERYTHING},
    "wandb.integration.tensorboard": {"runcast.integration.tensorboard": EVERYTHING},
    "wandb.integration.xgboost": {"runcast.integration.xgboost": EVERYTHING},
    "wandb.catboost": {"runcast.integration.catboost": EVERYTHING},
    "wandb.keras": {"runcast.integration.keras": EVERYTHING},
    "wandb.lightgbm": {"runcast.integration.lightgbm": EVERYTHING},
    "wandb.sacred": {"runcast.integration.sacred": EVERYTHING},
    "wandb.sb3": {"runcast.integration.sb3": EVERYTHING},
    "wandb.sklearn": {"runcast.integration.sklearn": EVERYTHING},
    "wandb.tensorboard": {"runcast.integration.tensorboard": EVERYTHING},
    "wandb.xgboost": {"runcast.integration.xgboost": EVERYTHING},
}
