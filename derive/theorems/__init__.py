"""The theorems, one file a paper or result. Each is registered by one line: its name and where it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.registry import Registry

if TYPE_CHECKING:
    from derive.proof.derivation import Derivation

THEOREMS: Registry[Derivation] = Registry(
    "theorem",
    {
        "product-variance": "derive.theorems.product:product_variance",
        "forward-variance": "derive.theorems.forward:forward_variance",
        "backward-variance": "derive.theorems.backward:backward_variance",
        "weight-gradient-variance": "derive.theorems.backward:weight_gradient_variance",
        "glorot-condition": "derive.theorems.condition:glorot_condition",
        "layer-gradient-balance": "derive.theorems.balance:layer_gradient_balance",
        "half-variance": "derive.theorems.network_variance:half_variance",
        "network-variance": "derive.theorems.network_variance:network_variance",
        "rectifier-gradient": "derive.theorems.rectifier_gradient:rectifier_gradient",
        "total-variance": "derive.theorems.total_variance:total_variance",
        "kernel-K": "derive.theorems.kernel_k:kernel_k",
        "sample-variance": "derive.theorems.sample_variance:sample_variance",
        "sample-variance-stable": "derive.theorems.sample_variance:sample_variance_stable",
        "sample-variance-decay": "derive.theorems.sample_variance_decay:sample_variance_decay",
        "quadratic-form-variance": "derive.theorems.quadratic_form:quadratic_form_variance",
        "layer-variance": "derive.theorems.layer_variance:layer_variance",
        "length-map": "derive.theorems.wide_networks:length_map",
        "sample-variance-map": "derive.theorems.wide_networks:sample_variance_map",
        "gradient-variance": "derive.theorems.wide_networks:gradient_variance",
        "kumar-2017": "derive.theorems.kumar:kumar_2017",
        "selu-fixed-point": "derive.theorems.selu:selu_fixed_point",
        "correlation-map-slope": "derive.theorems.edge_of_chaos:correlation_map_slope",
        "edge-of-chaos": "derive.theorems.edge_of_chaos:edge_of_chaos",
        "depth-scale": "derive.theorems.edge_of_chaos:depth_scale",
        "critical-correlation-smooth": "derive.theorems.critical:critical_correlation_smooth",
        "critical-correlation-kinked": "derive.theorems.critical:critical_correlation_kinked",
        "critical-length": "derive.theorems.critical_length:critical_length",
        "critical-length-kinked": "derive.theorems.critical_length:critical_length_kinked",
        "critical-length-half-stable": "derive.theorems.critical_length:critical_length_half_stable",
        "covariance-recursion": "derive.theorems.covariance:covariance_recursion",
        "residual-variance": "derive.theorems.residual_variance:residual_variance",
        "residual-depth": "derive.theorems.residual_depth:residual_depth",
        "dropout-variance": "derive.theorems.dropout_variance:dropout_variance",
        "convolution-variance": "derive.theorems.convolution_variance:convolution_variance",
        "convolution-variance-2d": "derive.theorems.convolution_variance:convolution_variance_2d",
        "grouped-convolution": "derive.theorems.convolution_variance:grouped_convolution",
        "pooled-variance": "derive.theorems.pooled_variance:pooled_variance",
        "layer-norm": "derive.theorems.layer_norm:layer_norm",
        "batch-norm": "derive.theorems.batch_norm:batch_norm",
        "batch-norm-gradient": "derive.theorems.batch_norm:batch_norm_gradient",
        "pre-ln-residual": "derive.theorems.pre_ln:pre_ln_residual",
        "post-ln-residual": "derive.theorems.post_ln:post_ln_residual",
        "norm-fourth-moment": "derive.theorems.norm_moments:norm_fourth_moment",
        "log-norm-law": "derive.theorems.log_norm:log_norm_law",
        "gradient-fluctuation": "derive.theorems.gradient_fluctuation:gradient_fluctuation",
        "angle-operator": "derive.theorems.angle:angle_operator",
        "width-correction": "derive.theorems.width_correction:width_correction",
        "width-correction-two-samples": "derive.theorems.gram_correction:width_correction_two_samples",
        "angle-process": "derive.theorems.angle_process:angle_process",
        "finite-width-decay": "derive.theorems.finite_width_decay:finite_width_decay",
        "nearly-linear": "derive.theorems.nearly_linear:nearly_linear",
        "trainable-depth": "derive.theorems.trainable_depth:trainable_depth",
        "first-step": "derive.theorems.first_step:first_step",
    },
)
